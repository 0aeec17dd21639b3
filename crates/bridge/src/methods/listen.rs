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
        let patience = federation.patience();
        let (opened, is_open) = oneshot::channel();
        opening.push(is_open);
        following.push(Owned::spawn(async move {
            let mut following = Following { uris, updates, opened: Some(opened) };
            let instance = loop {
                match server.instance(&session) {
                    Ok(instance) => break instance,
                    Err(_) => following.pause().await,
                }
            };
            // The child of a session that has ended is not started again.
            while !instance.has_ended() {
                if let Ok(conversation) = instance.conversation(patience).await {
                    following.follow(&conversation).await;
                }
                following.pause().await;
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

    /// Waits a little. A server that can't be asked now is not waited for by the caller.
    async fn pause(&mut self) {
        self.opened = None;
        tokio::time::sleep(PAUSE).await;
    }

    /// The server is listened to from now on.
    async fn listens(&mut self) {
        if self.opened.take().is_none_or(|opened| opened.is_closed()) {
            // The caller has believed so for a while.
            self.missed().await;
        }
    }

    /// What was not heard may have been that any of them has changed.
    async fn missed(&self) {
        for uri in &self.uris {
            self.update(format!("{{\"uri\":{}}}", text::quoted(uri))).await;
        }
    }

    async fn update(&self, params: String) {
        // Whoever reads them ends this too.
        let _ = self.updates.send(params).await;
    }

    async fn legacy(&mut self, conversation: &Arc<Conversation>) {
        let mut notices = conversation.notices();
        let mut subscriptions = Vec::new();
        for uri in &self.uris {
            subscriptions.push(conversation.subscribe(uri).await);
        }
        self.listens().await;
        loop {
            let notice = tokio::select! {
                notice = notices.recv() => notice,
                () = conversation.lost() => return,
            };
            match notice {
                Ok(Notice::Updated(params)) => {
                    let uri = text::member(&params, "uri").unwrap_or_default();
                    if self.uris.iter().any(|own| is_within(&uri, own)) {
                        self.update(params).await;
                    }
                }
                Ok(Notice::Changed) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => self.missed().await,
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
                method::ACKNOWLEDGED => self.listens().await,
                method::RESOURCE_UPDATED => {
                    self.update(translate::notification::to_legacy(&params).into_owned()).await;
                }
                _ => {}
            }
        }
    }
}

/// Whether this is the URI of a resource, or of what is below it: servers may tell of that too.
fn is_within(uri: &str, resource: &str) -> bool {
    let is_below = |rest: &str| resource.ends_with('/') || rest.starts_with(['/', '#', '?']);
    uri.strip_prefix(resource).is_some_and(|rest| rest.is_empty() || is_below(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Link;
    use crate::link::stdio::Stdio;

    #[test]
    fn what_is_below_a_resource_is_told_and_what_only_begins_like_it_is_not() {
        let check = |uri: &str, expected: &[&str]| {
            let resources = ["file:///a", "file:///a/", "file:///"];
            let told: Vec<&str> = resources.into_iter().filter(|own| is_within(uri, own)).collect();
            assert_eq!(told, expected, "{uri}");
        };
        check("file:///a", &["file:///a", "file:///"]);
        check("file:///a/b", &["file:///a", "file:///a/", "file:///"]);
        check("file:///a#b", &["file:///a", "file:///"]);
        check("file:///a?b", &["file:///a", "file:///"]);
        check("file:///ab", &["file:///"]);
        check("file:///a.txt", &["file:///"]);
        check("other:///a", &[]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_too_slow_is_told_that_all_may_have_changed() {
        // The server takes no subscription, in all the time that it has.
        let (stdio, _unwritten) = Stdio::new(tokio::io::sink());
        let conversation = Conversation::new(Link::Stdio(stdio));
        let (updates, mut unread) = mpsc::channel(1);
        let mut following = Following { uris: vec!["fix://1".to_owned()], updates, opened: None };
        let _following = Owned::spawn({
            let conversation = Arc::clone(&conversation);
            async move { following.legacy(&conversation).await }
        });
        assert!(unread.recv().await.expect("it listens").contains("fix://1"));
        let update = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x"}}"#;
        for _ in 0..=UNREAD * 2 {
            conversation.take(update, None);
        }
        assert_eq!(unread.recv().await.as_deref(), Some(r#"{"uri":"fix://1"}"#));
    }
}
