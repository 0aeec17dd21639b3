//! `subscriptions/listen`: the updates of resources, from whichever servers have them. Changes of lists are not told here:
//! the gateway sees them by the bridge's description. Goes on over a server's restarts, until the call is cancelled.
use super::read;
use crate::calls::raw;
use crate::conversation::Conversation;
use crate::conversation::event::{Event, Notice};
use crate::conversation::running::Said;
use crate::federation::Federation;
use crate::tasks::Owned;
use backend::{Call, Failure, Raw};
use mcp::{Era, method, text, translate};
use protocol::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot};

/// The most resources of one subscription.
const MOST: usize = 1_000;
/// Updates that wait for a slow caller.
const UNREAD: usize = 1_024;
/// Before a server that was lost is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long it is waited for servers before the caller is told that it listens.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn listen(federation: &Federation, call: &Call, params: &str) -> Result<Raw, Failure> {
    let wanted = json::member(params, "notifications").unwrap_or("{}");
    let uris = text::elements(json::member(wanted, "resourceSubscriptions").unwrap_or("[]"));
    let uris: Vec<String> = uris.filter_map(|raw| text::string(raw).map(|uri| uri.into_owned())).collect();
    if uris.len() > MOST {
        return Err(Failure::invalid_params(format!(
            "notifications.resourceSubscriptions: up to {MOST} are allowed"
        )));
    }
    let mut by_server: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for uri in &uris {
        // The likeliest alone: a subscription to what a server has not is an error of its.
        if let Some(at) = read::servers(federation, uri).first() {
            by_server.entry(*at).or_default().push(uri.clone());
        }
    }
    let taken: Vec<String> = by_server.values().flatten().map(|uri| text::quoted(uri)).collect();
    let (updates, mut unread) = mpsc::channel::<String>(UNREAD);
    let (mut following, mut opening) = (Vec::new(), Vec::new());
    for (at, uris) in by_server {
        let server = Arc::clone(&federation.servers[at]);
        let (session, updates) = (crate::calls::session(call), updates.clone());
        let (opened, is_open) = oneshot::channel();
        opening.push(is_open);
        following.push(Owned::spawn(async move {
            let mut following = Following { uris, updates, opened: Some(opened) };
            loop {
                if let Ok(conversation) = server.conversation(&session).await {
                    following.follow(&conversation).await;
                }
                // One that can't be asked now is not waited for.
                following.opened = None;
                tokio::time::sleep(PAUSE).await;
            }
        }));
    }
    // Whoever is told that it listens hears what comes next. A server that takes longer is heard of later.
    let _ = tokio::time::timeout(PATIENCE, futures_util::future::join_all(opening)).await;
    let acknowledged = format!(
        r#"{{"method":"{}","params":{{"notifications":{{"resourceSubscriptions":[{}]}}}}}}"#,
        method::ACKNOWLEDGED,
        taken.join(",")
    );
    call.partial(raw(acknowledged)?).await?;
    // Kept by this end as well: with nothing to follow the call lasts all the same.
    let _updates = updates;
    while let Some(params) = unread.recv().await {
        let note = format!(r#"{{"method":"{}","params":{params}}}"#, method::RESOURCE_UPDATED);
        call.partial(raw(note)?).await?;
    }
    Err(Failure::unavailable("the subscription has ended"))
}

/// What is wanted of one server.
struct Following {
    uris: Vec<String>,
    updates: mpsc::Sender<String>,
    /// Dropped once the server is listened to for the first time, or could not be.
    opened: Option<oneshot::Sender<()>>,
}

impl Following {
    /// Passes on what the server tells of these resources until it is lost.
    async fn follow(&mut self, conversation: &Arc<Conversation>) {
        match conversation.terms().version.era() {
            Era::Legacy => self.legacy(conversation).await,
            Era::Modern => self.modern(conversation).await,
        }
    }

    async fn legacy(&mut self, conversation: &Arc<Conversation>) {
        let mut notices = conversation.notices();
        let mut subscriptions = Vec::new();
        for uri in &self.uris {
            subscriptions.push(conversation.subscribe(uri).await);
        }
        self.opened = None;
        loop {
            let notice = tokio::select! {
                notice = notices.recv() => notice,
                () = conversation.lost() => return,
            };
            match notice {
                Ok(Notice::Updated(params)) => {
                    let uri = text::member(&params, "uri").unwrap_or_default();
                    // Servers may tell of what is below a resource too.
                    let is_wanted = self.uris.iter().any(|own| uri.starts_with(own.as_str()));
                    if is_wanted && self.updates.send(params).await.is_err() {
                        return;
                    }
                }
                Ok(Notice::Changed) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    async fn modern(&mut self, conversation: &Arc<Conversation>) {
        let quoted: Vec<String> = self.uris.iter().map(|uri| text::quoted(uri)).collect();
        let params = format!(r#"{{"notifications":{{"resourceSubscriptions":[{}]}}}}"#, quoted.join(","));
        let Ok(mut running) = conversation.start(method::LISTEN, &params, false).await else { return };
        while let Said::Event(event) = running.next().await {
            let Event::Note { method, params } = event else { continue };
            match &*method {
                method::ACKNOWLEDGED => self.opened = None,
                method::RESOURCE_UPDATED => {
                    let params = translate::notification::to_legacy(&params).into_owned();
                    if self.updates.send(params).await.is_err() {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}
