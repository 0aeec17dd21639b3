//! News for somebody who listens: lists that have changed, and resources that have. `basic/patterns/subscriptions`. Whoever
//! carries them adds what they belong to.

use super::changes::Changed;
use super::decide::{Request, Server};
use super::plan::Note;
use super::untold::Untold;
use super::{contexts, sources};
use crate::fanout::{News, Reader};
use crate::kept::Work;
use crate::rest::{Plain, woken};
use crate::session::reach;
use crate::shard::{Delivery, Peer, Shard};
use auth::Identity;
use mcp::{Error, method, text, translate};
use protocol::{ErrorCode, json};
use router::{Event, Failure, Mcp};
use session_store::{LogEpoch, Offset, Position, SessionId};
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

/// How long a backend is left in peace after it has failed: from the first pause to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long it is waited for backends and the store before somebody is told that it listens.
const PATIENCE: Duration = Duration::from_secs(5);

/// In no life of a log: who stands here is told of a gap once it is known where the log ends.
const NOWHERE: Position = Position { epoch: LogEpoch(0), offset: Offset(0) };

/// What somebody wants to hear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) changed: Changed,
    /// Resources.
    pub(crate) uris: Vec<String>,
}

impl Wish {
    /// That of a `subscriptions/listen`.
    pub(super) fn of(request: &Request<'_>) -> Result<Self, Error> {
        let filter = json::member(request.params, "notifications").filter(|raw| raw.starts_with('{'));
        let filter = filter.ok_or_else(|| Error::params("params.notifications must be an object"))?;
        let is_set = |name| json::member(filter, name) == Some("true");
        let uris = json::member(filter, "resourceSubscriptions").unwrap_or("[]");
        let uris: Option<Vec<_>> =
            text::elements(uris).map(|raw| text::string(raw).map(std::borrow::Cow::into_owned)).collect();
        let wrong =
            || Error::params("params.notifications.resourceSubscriptions must be an array of strings");
        Ok(Self {
            changed: Changed {
                tools: is_set("toolsListChanged"),
                resources: is_set("resourcesListChanged"),
                prompts: is_set("promptsListChanged"),
            },
            uris: uris.ok_or_else(wrong)?,
        })
    }

    /// Whether a notification of this method is among what is wanted.
    fn takes(&self, name: &str) -> bool {
        let is_list = || self.changed.methods().any(|list| list == name);
        (name == method::RESOURCE_UPDATED && !self.uris.is_empty()) || is_list()
    }

    /// As a filter.
    fn written(&self) -> String {
        let Changed { tools, resources, prompts } = self.changed;
        let told = [
            (tools, "toolsListChanged"),
            (prompts, "promptsListChanged"),
            (resources, "resourcesListChanged"),
        ];
        let mut members: Vec<String> =
            told.iter().filter(|(is_so, _)| *is_so).map(|(_, name)| format!("\"{name}\":true")).collect();
        if !self.uris.is_empty() {
            let uris: Vec<String> = self.uris.iter().map(|uri| text::quoted(uri)).collect();
            members.push(format!("\"resourceSubscriptions\":[{}]", uris.join(",")));
        }
        format!("{{{}}}", members.join(","))
    }
}

/// Somebody who listens. Dropped, it hears no more.
pub(crate) struct Listening {
    shard: Rc<Shard>,
    tenant: Box<str>,
    peer: Rc<Peer>,
    place: usize,
    /// What of the wish can be had.
    wish: Wish,
    /// The contexts among the resources, by id, and the way through the tenant's log that tells of them.
    contexts: HashSet<String>,
    reader: Option<Reader>,
    /// Those who listen to backends for it.
    tasks: Vec<AbortHandle>,
    untold: Rc<RefCell<Untold>>,
}

impl Listening {
    /// Listens from now on, to whatever the caller may read, who may have a session.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub(crate) async fn open(
        shard: &Rc<Shard>,
        identity: &Identity,
        session: Option<SessionId>,
        wish: Wish,
    ) -> Self {
        let permit = shard.terms().authorization.permit(identity);
        let table = shard.router.table();
        let access = crate::access::Access { identity, permit: &permit };
        let server = Server { table, access };
        let may_read = server
            .table
            .method("context.get")
            .is_some_and(|handler| server.may_ask(handler, "context.get").is_ok());
        let (ours, others): (Vec<_>, Vec<_>) =
            wish.uris.into_iter().partition(|uri| uri.starts_with(contexts::SCHEME));
        let contexts: HashSet<String> = ours
            .iter()
            .filter(|_| may_read)
            .filter_map(|uri| contexts::id_of(uri))
            .map(str::to_owned)
            .collect();
        let mut asked: Vec<(Arc<Mcp>, Wish)> = Vec::new();
        let mut uris: Vec<String> = contexts.iter().map(|id| contexts::uri(id)).collect();
        let lists = Changed { tools: false, ..wish.changed };
        if lists.any() {
            let all = server.table.mcp().iter();
            let all =
                all.filter(|source| server.may_ask(&source.methods, &source.method(method::LISTEN)).is_ok());
            asked.extend(all.map(|source| (source.clone(), Wish { changed: lists, uris: Vec::new() })));
        }
        for uri in others {
            let sources = sources::of_uri(&server, &uri, method::LISTEN);
            if !sources.is_empty() {
                uris.push(uri.clone());
            }
            for source in sources {
                match asked.iter_mut().find(|(known, _)| known.backend == source.backend) {
                    Some((_, wish)) => wish.uris.push(uri.clone()),
                    None => {
                        asked.push((source, Wish { changed: Changed::default(), uris: vec![uri.clone()] }))
                    }
                }
            }
        }
        let peer = Rc::new(Peer::of_request());
        let mut listening = Self {
            shard: Rc::clone(shard),
            tenant: identity.tenant().into(),
            place: shard.changes.join(&peer),
            wish: Wish { changed: wish.changed, uris },
            contexts,
            reader: None,
            tasks: Vec::new(),
            untold: Rc::default(),
            peer,
        };
        let until = Instant::now() + PATIENCE;
        let mut opening = Vec::new();
        for (source, wish) in asked {
            let (opened, is_open) = oneshot::channel();
            opening.push(is_open);
            let ear = Ear { peer: Rc::clone(&listening.peer), untold: Rc::clone(&listening.untold) };
            let told = follow(Rc::clone(shard), (identity.clone(), session), source, wish, ear, opened);
            listening.tasks.push(tokio::task::spawn_local(told).abort_handle());
        }
        // Whoever is told that it listens hears what comes next. What takes longer is heard of later.
        if !listening.contexts.is_empty() {
            let log = shard.logs.open(identity.tenant());
            let end = timeout_at(until, log.end()).await.unwrap_or(NOWHERE);
            listening.reader = Some(Reader::new(end, log, &listening.peer, shard));
        }
        let _ = timeout_at(until, futures_util::future::join_all(opening)).await;
        listening
    }

    /// What is listened to. `basic/patterns/subscriptions`, "Acknowledgment".
    pub(crate) fn acknowledged(&self) -> Note {
        let params = format!("{{\"notifications\":{}}}", self.wish.written());
        Note { method: method::ACKNOWLEDGED.into(), params }
    }

    /// Where it stands in the tenant's log; none where nothing is read of it.
    pub(crate) fn position(&self) -> Option<Position> {
        self.reader.as_ref().map(Reader::cursor)
    }

    /// Tells what has come after this position of the log too.
    ///
    /// # Cancel safety
    /// It goes on from where it stood, or from the position.
    pub(crate) async fn go_on_from(&mut self, wanted: Position) {
        if self.reader.is_none() {
            return;
        }
        let reached = reach(&self.shard, &self.tenant, wanted).await;
        let log = self.shard.logs.open(&self.tenant);
        match reached {
            Ok(position) => {
                self.reader = Some(Reader::new(position, log, &self.peer, &self.shard));
                if position != wanted {
                    self.untold.borrow_mut().extend(self.contexts.iter().map(|id| told(&contexts::uri(id))));
                }
            }
            // What has changed meanwhile is not known: perhaps all of it.
            Err(_) => {
                self.untold.borrow_mut().extend(self.contexts.iter().map(|id| told(&contexts::uri(id))));
            }
        }
    }

    /// Tells first what this one has heard and not told.
    pub(crate) fn go_on_after(&self, before: &Self) {
        let mut heard = before.untold.take();
        take_in(&before.peer, before.wish.changed, &mut heard);
        // What this one was told meanwhile is later.
        heard.extend(std::iter::from_fn(|| self.untold.borrow_mut().next()));
        self.untold.replace(heard);
    }

    /// Tells of these resources as if they had changed, those that are listened to.
    pub(crate) fn tell<'a>(&self, uris: impl Iterator<Item = &'a String>) {
        let listened = uris.filter(|uri| self.wish.uris.contains(uri));
        self.untold.borrow_mut().extend(listened.map(|uri| told(uri)));
    }

    /// The next news. Cancel safe.
    pub(crate) async fn next(&mut self) -> Note {
        loop {
            if let Some(note) = self.untold.borrow_mut().next() {
                return note;
            }
            let Self { peer, reader, contexts, untold, wish, .. } = self;
            woken(peer, |cx| {
                let mut untold = untold.borrow_mut();
                take_in(peer, wish.changed, &mut untold);
                while let Some(reader) = reader
                    && let Poll::Ready(Some(news)) = reader.poll_next(cx)
                {
                    match news {
                        News::Event(entry) => untold.extend(updated(&entry, contexts)),
                        // What has changed meanwhile is not known: perhaps all of it.
                        News::Gap(_) => untold.extend(contexts.iter().map(|id| told(&contexts::uri(id)))),
                    }
                    if !untold.is_empty() {
                        break;
                    }
                }
                if untold.is_empty() { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
    }
}

/// Lists of the platform's that have changed meanwhile.
fn take_in(peer: &Peer, wanted: Changed, untold: &mut Untold) {
    for delivery in peer.take_inbox().unwrap_or_default() {
        if let Delivery::Changed(changed) = delivery {
            untold.extend(changed.of(wanted).methods().map(Note::bare));
        }
    }
}

/// What is said into it is heard by somebody who listens.
struct Ear {
    peer: Rc<Peer>,
    untold: Rc<RefCell<Untold>>,
}

impl Ear {
    fn tell(&self, note: Note) {
        self.untold.borrow_mut().add(note);
        self.peer.wake();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shard.changes.leave(self.place);
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// What an event of the log says of these contexts.
fn updated(entry: &crate::fanout::Entry, contexts: &HashSet<String>) -> Option<Note> {
    if !matches!(&*entry.name, "context.updated" | "context.deleted") {
        return None;
    }
    let id = text::member(entry.data()?, "id")?;
    contexts.contains(&*id).then(|| told(&contexts::uri(&id)))
}

/// A resource has changed.
fn told(uri: &str) -> Note {
    Note { method: method::RESOURCE_UPDATED.into(), params: format!("{{\"uri\":{}}}", text::quoted(uri)) }
}

/// Listens to a backend for as long as it is polled.
/// `opened` is dropped once it does for the first time, or can't.
async fn follow(
    shard: Rc<Shard>,
    caller: (Identity, Option<SessionId>),
    source: Arc<Mcp>,
    wish: Wish,
    ear: Ear,
    opened: oneshot::Sender<()>,
) {
    let mut opened = Some(opened);
    let client = translate::request::Client { info: "", capabilities: "", log_level: "" };
    let params = format!("{{\"notifications\":{}}}", wish.written());
    let params = translate::request::to_modern(&params, &client).into_owned();
    let mut pause = PAUSES.0;
    loop {
        let begun = Instant::now();
        let ended = listen(&shard, &caller, &source, (&wish, &params), &ear, &mut opened).await;
        opened = None;
        match ended {
            ErrorCode::MethodNotFound | ErrorCode::Forbidden => return,
            // As long as a call may take; then it is made again.
            ErrorCode::DeadlineExceeded => pause = PAUSES.0,
            _ => {
                pause = pause_after(begun.elapsed(), pause);
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
        // What was not heard meanwhile may have happened.
        let perhaps = wish.changed.methods().map(Note::bare).chain(wish.uris.iter().map(|uri| told(uri)));
        perhaps.for_each(|note| ear.tell(note));
    }
}

/// The pause after somebody was listened to for so long, where it is this one's turn.
fn pause_after(listened: Duration, turn: Duration) -> Duration {
    // What failed before is no fault of one that has worked since.
    if listened >= PAUSES.1 { PAUSES.0 } else { turn.min(PAUSES.1) }
}

/// Listens until the backend ends it.
async fn listen(
    shard: &Rc<Shard>,
    (identity, session): &(Identity, Option<SessionId>),
    source: &Mcp,
    (wish, params): (&Wish, &str),
    ear: &Ear,
    opened: &mut Option<oneshot::Sender<()>>,
) -> ErrorCode {
    let work = Work {
        handler: source.methods.clone(),
        method: source.method(method::LISTEN).into(),
        params: params.as_bytes().into(),
        timeout: Some(Duration::from_millis(shard.terms().config.router.max_timeout_ms)),
        session: *session,
    };
    let mut running = match Plain::begin(shard, identity, &work, ("", ""), None) {
        Ok(running) => running,
        Err(failure) => return failure.code,
    };
    loop {
        match running.next().await {
            Event::Partial(partial) => {
                let note = Note::read(&String::from_utf8_lossy(&partial));
                match note {
                    Some(note) if note.method == method::ACKNOWLEDGED => *opened = None,
                    // `basic/patterns/subscriptions`, "Opening a Stream": nobody is told what it has not asked for.
                    Some(Note { method, params }) if wish.takes(&method) => {
                        let params = translate::notification::to_legacy(&params).into_owned();
                        ear.tell(Note { method, params });
                    }
                    Some(_) | None => {}
                }
            }
            Event::Progress(_) => {}
            Event::Result(_) => return ErrorCode::BackendUnavailable,
            Event::Failed(Failure { code, .. }) => return code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_a_backend_was_listened_to_for_a_while() {
        let seconds = Duration::from_secs;
        for (listened, turn, pause) in [(0, 1, 1), (5, 16, 16), (29, 32, 30), (30, 32, 1), (3_600, 1, 1)] {
            assert_eq!(pause_after(seconds(listened), seconds(turn)), seconds(pause), "{listened} {turn}");
        }
    }
}
