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
use mcp::{Edit, Era, method, text, translate};
use protocol::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};

/// The most resources of one subscription.
const MOST: usize = 1_000;
/// Updates that wait for a slow caller.
const UNREAD: usize = 1_024;
/// Before a server that was lost is asked again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a server may take to take a subscription.
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
    let acknowledged = format!(
        r#"{{"method":"{}","params":{{"notifications":{{"resourceSubscriptions":[{}]}}}}}}"#,
        method::ACKNOWLEDGED,
        taken.join(",")
    );
    call.partial(raw(acknowledged)?).await?;
    let (updates, mut unread) = mpsc::channel::<String>(UNREAD);
    let mut following = Vec::new();
    for (at, uris) in by_server {
        let server = Arc::clone(&federation.servers[at]);
        let (session, updates) = (crate::calls::session(call), updates.clone());
        following.push(Owned::spawn(async move {
            loop {
                if let Ok(conversation) = server.conversation(&session).await {
                    follow(&conversation, &uris, &updates).await;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }));
    }
    // Kept by this end as well: with nothing to follow the call lasts all the same.
    let _updates = updates;
    while let Some(params) = unread.recv().await {
        let note = format!(r#"{{"method":"{}","params":{params}}}"#, method::RESOURCE_UPDATED);
        call.partial(raw(note)?).await?;
    }
    Err(Failure::unavailable("the subscription has ended"))
}

/// Passes on what a server tells of these resources until it is lost.
async fn follow(conversation: &Arc<Conversation>, uris: &[String], updates: &mpsc::Sender<String>) {
    match conversation.terms().version.era() {
        Era::Legacy => legacy(conversation, uris, updates).await,
        Era::Modern => modern(conversation, uris, updates).await,
    }
}

async fn legacy(conversation: &Arc<Conversation>, uris: &[String], updates: &mpsc::Sender<String>) {
    let mut notices = conversation.notices();
    let mut subscriptions = Vec::new();
    for uri in uris {
        subscriptions.push(conversation.subscribe(uri, PATIENCE).await);
    }
    loop {
        let notice = tokio::select! {
            notice = notices.recv() => notice,
            () = conversation.lost() => return,
        };
        match notice {
            Ok(Notice::Updated(params)) => {
                let uri = text::member(&params, "uri").unwrap_or_default();
                // Servers may tell of what is below a resource too.
                if uris.iter().any(|own| uri.starts_with(own.as_str())) && updates.send(params).await.is_err()
                {
                    return;
                }
            }
            Ok(Notice::Changed) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

async fn modern(conversation: &Arc<Conversation>, uris: &[String], updates: &mpsc::Sender<String>) {
    let quoted: Vec<String> = uris.iter().map(|uri| text::quoted(uri)).collect();
    let params = format!(r#"{{"notifications":{{"resourceSubscriptions":[{}]}}}}"#, quoted.join(","));
    let Ok(mut running) = conversation.start(method::LISTEN, &params, false).await else { return };
    while let Said::Event(event) = running.next().await {
        if let Event::Note { method, params } = event
            && method == method::RESOURCE_UPDATED
        {
            let params = translate::notification::to_legacy(&params);
            let params = match json::member(&params, "_meta") {
                Some("{}") => Edit::of(&params).remove("_meta").finish().into_owned(),
                _ => params.into_owned(),
            };
            if updates.send(params).await.is_err() {
                return;
            }
        }
    }
}
