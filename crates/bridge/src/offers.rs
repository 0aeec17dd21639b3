//! What one server offers: its lists, as it gave them.
use crate::conversation::{Conversation, Terms};
use mcp::{Era, Error, method, text};
use protocol::json;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

/// The most pages of one list, and the most entries.
const MOST_PAGES: usize = 1_000;
const MOST_ENTRIES: usize = 10_000;

/// The lists of one server, and what it said of itself.
#[derive(Clone, Debug)]
pub(crate) struct Offers {
    pub(crate) terms: Terms,
    /// Raw objects.
    pub(crate) tools: Vec<String>,
    /// Names.
    pub(crate) prompts: Vec<String>,
    /// URIs.
    pub(crate) resources: Vec<String>,
    /// URI templates.
    pub(crate) templates: Vec<String>,
    /// A number that is another one where a resource or template is listed in other words, and the same for prompts.
    pub(crate) revisions: [u64; 2],
}

impl Offers {
    /// Asks a server for all that it offers.
    ///
    /// # Errors
    /// What it answered, or that it did not.
    pub(crate) async fn of(conversation: &Arc<Conversation>, patience: Duration) -> Result<Self, Error> {
        let terms = conversation.terms().clone();
        let list = async |capability, name, member| match terms.has(capability) {
            true => entries(conversation, name, member, patience).await,
            false => Ok(Vec::new()),
        };
        let named = |entries: Vec<String>, member: &str| {
            entries
                .iter()
                .filter_map(|entry| text::member(entry, member).map(|text| text.into_owned()))
                .collect()
        };
        let tools = list("tools", method::TOOLS_LIST, "tools").await?;
        let prompts = list("prompts", method::PROMPTS_LIST, "prompts").await?;
        let resources = list("resources", method::RESOURCES_LIST, "resources").await?;
        // Some have resources and know of no templates.
        let templates =
            list("resources", method::TEMPLATES_LIST, "resourceTemplates").await.unwrap_or_default();
        Ok(Self {
            revisions: [revision(resources.iter().chain(&templates)), revision(&prompts)],
            prompts: named(prompts, "name"),
            resources: named(resources, "uri"),
            templates: named(templates, "uriTemplate"),
            tools,
            terms,
        })
    }
}

impl Offers {
    /// Takes out the tools of a legacy server that can be called as tasks alone, which nobody here can; says which and why.
    /// `basic/utilities/tasks` of 2025-11-25.
    pub(crate) fn take_out_tasks(&mut self) -> Vec<String> {
        if self.terms.version.era() == Era::Modern {
            return Vec::new();
        }
        let is_task = |tool: &mut String| {
            let execution = json::member(tool, "execution").unwrap_or("{}");
            text::member(execution, "taskSupport").as_deref() == Some("required")
        };
        let taken = self.tools.extract_if(.., is_task);
        let name = |tool: &str| text::member(tool, "name").unwrap_or_default().into_owned();
        taken.map(|tool| format!("{}: it can be called as a task alone", name(&tool))).collect()
    }
}

/// The same for the same entries, in every process.
fn revision<'a>(entries: impl IntoIterator<Item = &'a String>) -> u64 {
    let mut hash = DefaultHasher::new();
    entries.into_iter().for_each(|entry| entry.hash(&mut hash));
    hash.finish()
}

/// All entries of a list, page by page.
async fn entries(
    conversation: &Arc<Conversation>,
    name: &str,
    member: &str,
    patience: Duration,
) -> Result<Vec<String>, Error> {
    let (mut found, mut params) = (Vec::new(), "{}".to_owned());
    for _ in 0..MOST_PAGES {
        let page = conversation.ask(name, &params, patience).await?;
        let entries = json::member(&page, member).unwrap_or("[]");
        found.extend(text::elements(entries).map(str::to_owned).take(MOST_ENTRIES - found.len()));
        match json::member(&page, "nextCursor").filter(|cursor| cursor.starts_with('"')) {
            Some(cursor) if found.len() < MOST_ENTRIES => params = format!("{{\"cursor\":{cursor}}}"),
            _ => break,
        }
    }
    Ok(found)
}
