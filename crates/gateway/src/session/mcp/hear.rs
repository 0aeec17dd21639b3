//! What clients hear of without asking each time: lists and resources that have changed.

use super::tell;
use crate::mcp::{Changed, Changes, Ends, Listening, Note, Shape, Wish};
use crate::session::calls::Waits;
use crate::session::{Exchange, Session};
use crate::shard::{Delivery, Peer, Shard};
use auth::Identity;
use bytes::Bytes;
use mcp::{Version, method, translate};
use protocol::Message;
use router::{Event, Failure};
use session_store::SessionId;
use std::fmt;
use std::rc::Rc;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// What a legacy client hears. Dropped, it hears no more.
pub(in crate::session) struct Heard {
    shard: Rc<Shard>,
    place: usize,
    /// Resources that it subscribed to.
    uris: Vec<String>,
    /// Whoever listens to them for it.
    task: Option<Listener>,
}

/// A task that ends with this.
struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Heard {
    /// It hears of lists that have changed.
    pub(super) fn new(exchange: &Exchange<'_>) -> Self {
        let shard = Rc::clone(exchange.shard);
        let place = shard.changes.join(exchange.peer);
        Self { shard, place, uris: Vec::new(), task: None }
    }

    /// It hears of these resources, and of no others, once what is returned has come.
    fn listen(
        &mut self,
        identity: &Identity,
        session: Option<SessionId>,
        peer: &Rc<Peer>,
    ) -> oneshot::Receiver<()> {
        let (opened, is_open) = oneshot::channel();
        // It goes on until the next one has begun, so that nothing is missed between them.
        let before = self.task.take();
        if self.uris.is_empty() {
            return is_open;
        }
        let wish = Wish { changed: Changed::default(), uris: self.uris.clone() };
        let (shard, identity, peer) = (Rc::clone(&self.shard), identity.clone(), Rc::downgrade(peer));
        let task = tokio::task::spawn_local(async move {
            let mut listening = Listening::open(&shard, &identity, session, wish).await;
            drop(before);
            // Whoever asked may be gone.
            let _ = opened.send(());
            loop {
                let note = listening.next().await;
                let Some(peer) = peer.upgrade() else { return };
                peer.deliver_to(Delivery::Note(Box::new(note)));
            }
        });
        self.task = Some(Listener(task.abort_handle()));
        is_open
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard").field("uris", &self.uris).finish_non_exhaustive()
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let changes: &Changes = &self.shard.changes;
        changes.leave(self.place);
    }
}

impl Session {
    /// `resources/subscribe` and `resources/unsubscribe`: 2025-11-25, `server/resources`, "Subscriptions".
    pub(super) fn mcp_subscribe(
        &mut self,
        message: &Message<'_>,
        uri: String,
        wanted: bool,
        exchange: &mut Exchange<'_>,
    ) {
        let most = exchange.shard.terms().config.events.max_subscriptions;
        let version = self.mcp_version().unwrap_or(Version::LATEST_LEGACY);
        let session = self.stored();
        if let Some(heard) = self.mcp.as_mut().and_then(|mcp| mcp.heard.as_mut()) {
            heard.uris.retain(|known| *known != uri);
            if wanted {
                if heard.uris.len() >= most {
                    let why = format!("events.max_subscriptions is {most}: unsubscribe from others first");
                    return super::refuse(message, &mcp::Error::params(why), exchange);
                }
                heard.uris.push(uri);
            }
            let is_open = heard.listen(&self.identity, session, exchange.peer);
            let answer = async move {
                // Without any there is nothing to wait for.
                let _ = is_open.await;
                Ok(Bytes::from_static(b"{}"))
            };
            self.begin_task(message, Shape::bare(version), answer, exchange);
        }
    }

    /// `subscriptions/listen`: goes on until it is cancelled.
    pub(super) fn mcp_listen(&mut self, message: &Message<'_>, wish: Wish, exchange: &mut Exchange<'_>) {
        let Some(id) = message.id else { return };
        let most = exchange.shard.terms().config.events.max_subscriptions;
        if wish.uris.len() > most {
            let why = format!("{} resources, and events.max_subscriptions is {most}", wish.uris.len());
            return super::refuse(message, &mcp::Error::params(why), exchange);
        }
        let subscription = mcp::raw_id(id).into_owned();
        let (shard, identity, peer) =
            (Rc::clone(exchange.shard), self.identity.clone(), Rc::clone(exchange.peer));
        let session = self.stored();
        let shape = Shape { ends: Ends::Server(method::LISTEN), ..Shape::bare(Version::LATEST) };
        self.begin_with(message, shape, exchange, move |tag| {
            let task = tokio::task::spawn_local(async move {
                let told = |note: &Note| {
                    let params =
                        translate::notification::to_modern(&note.params, mcp::Id::Token(&subscription));
                    let raw = format!("{{\"method\":\"{}\",\"params\":{params}}}", note.method);
                    peer.deliver_to(Delivery::Event { tag, event: Event::Partial(raw.into()) });
                };
                let mut listening = Listening::open(&shard, &identity, session, wish).await;
                told(&listening.acknowledged());
                loop {
                    told(&listening.next().await);
                }
            });
            Waits::listening(task.abort_handle())
        });
    }

    /// Starts a question whose answer is awaited beside the conversation.
    pub(super) fn begin_task(
        &mut self,
        message: &Message<'_>,
        shape: Shape,
        answer: impl Future<Output = Result<Bytes, Failure>> + 'static,
        exchange: &mut Exchange<'_>,
    ) {
        let peer = Rc::clone(exchange.peer);
        self.begin_with(message, shape, exchange, move |tag| {
            let task = tokio::task::spawn_local(async move {
                let event = answer.await.map_or_else(Event::Failed, Event::Result);
                peer.deliver_to(Delivery::Event { tag, event });
            });
            Waits::asking(task.abort_handle())
        });
    }

    /// The pod drains: whoever listens is told that there is nothing more to hear. `basic/patterns/subscriptions`,
    /// "Graceful Closure".
    pub(crate) fn end_listening(&mut self, exchange: &mut Exchange<'_>) {
        if let Some(calls) = &mut self.calls {
            calls.end_listening(exchange);
        }
    }

    /// What is offered has changed.
    pub(in crate::session) fn mcp_changed(&self, changed: Changed, exchange: &mut Exchange<'_>) {
        for method in changed.methods() {
            tell(&Note::bare(method), exchange);
        }
    }

    /// News for a legacy client.
    pub(in crate::session) fn mcp_note(&self, note: &Note, exchange: &mut Exchange<'_>) {
        // One that reads slowly asks again anyway.
        if !exchange.is_overfull() {
            tell(note, exchange);
        }
    }
}
