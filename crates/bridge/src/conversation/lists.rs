//! Lists that change at a modern server, which tells it to whoever listens alone. `basic/patterns/subscriptions`.
use crate::conversation::Conversation;
use crate::conversation::event::{Ending, Lost};
use crate::conversation::running::Said;
use crate::tasks::Owned;
use mcp::{Era, method};
use protocol::json;
use std::sync::Arc;
use std::time::Duration;

/// Before a server that has ended the request is asked again.
const PAUSE: Duration = Duration::from_secs(2);

impl Conversation {
    /// Has a modern server tell of its lists, as far as it says that it does, for as long as what is returned is kept. Each
    /// change is a notice. Nothing of a legacy one, which tells it unasked.
    pub(crate) fn listen_for_lists(self: &Arc<Self>) -> Option<Owned> {
        if self.terms().version.era() == Era::Legacy {
            return None;
        }
        let tells = |name: &str| {
            let capability = json::member(&self.terms().capabilities, name).unwrap_or("{}");
            json::member(capability, "listChanged") == Some("true")
        };
        let lists = [
            ("tools", "toolsListChanged"),
            ("resources", "resourcesListChanged"),
            ("prompts", "promptsListChanged"),
        ];
        let wanted: Vec<String> = lists
            .into_iter()
            .filter(|(name, _)| tells(name))
            .map(|(_, member)| format!("\"{member}\":true"))
            .collect();
        if wanted.is_empty() {
            return None;
        }
        let params = format!("{{\"notifications\":{{{}}}}}", wanted.join(","));
        let conversation = Arc::clone(self);
        Some(Owned::spawn(async move { conversation.hear_of_lists(&params).await }))
    }

    async fn hear_of_lists(self: &Arc<Self>, params: &str) {
        loop {
            let Ok(mut running) = self.start(method::LISTEN, params, false).await else { return };
            let ending = loop {
                match running.next().await {
                    // That it listens too: what has changed before is not known.
                    Said::Event(_) => self.desk.changed(),
                    Said::Ended(ending) => break ending,
                }
            };
            match ending {
                Ending::Error(error) => {
                    tracing::debug!(error, "changes of lists are not told");
                    return;
                }
                Ending::Result(_) | Ending::Lost(Lost(_)) if self.is_lost() => return,
                Ending::Result(_) | Ending::Lost(Lost(_)) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
