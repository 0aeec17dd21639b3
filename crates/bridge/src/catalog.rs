//! What all servers offer together, under which names. Made anew as a whole, never changed.
use crate::names;
use crate::offers::Offers;
use crate::settings::Prefix;
use mcp::text;
use std::collections::{HashMap, HashSet};

/// A tool of one server.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// The platform-wide name.
    pub(crate) name: String,
    /// A place in the list of servers.
    pub(crate) server: usize,
    /// Its server's own name for it.
    pub(crate) own: String,
    /// As its server lists it, raw.
    pub(crate) listed: String,
}

/// Which server a name is of, and its own name for it.
pub(crate) type Own = (usize, String);

/// All offers; of servers that were never up there are none.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) offers: Vec<Option<Offers>>,
    pub(crate) tools: Vec<Tool>,
    prompts: HashMap<String, Own>,
    prompt_names: HashMap<Own, String>,
    /// What was left out, in words.
    pub(crate) clashes: Vec<String>,
}

impl Catalog {
    /// The servers' names and offers stand in the same order.
    pub(crate) fn new(servers: &[&str], offers: Vec<Option<Offers>>, prefix: Prefix) -> Self {
        let mut catalog = Self::default();
        let known = |at: usize| offers.get(at).and_then(Option::as_ref);
        let mut tools = Vec::new();
        let mut prompts = Vec::new();
        for at in 0..servers.len() {
            let Some(offers) = known(at) else { continue };
            for listed in &offers.tools {
                if let Some(own) = text::member(listed, "name") {
                    tools.push((at, own.into_owned(), listed.as_str()));
                }
            }
            prompts.extend(offers.prompts.iter().map(|own| (at, own.clone(), "")));
        }
        for (name, (server, own, listed)) in catalog.named(servers, "tool", tools, prefix) {
            catalog.tools.push(Tool { name, server, own, listed: listed.to_owned() });
        }
        for (name, (server, own, _)) in catalog.named(servers, "prompt", prompts, prefix) {
            catalog.prompt_names.insert((server, own.clone()), name.clone());
            catalog.prompts.insert(name, (server, own));
        }
        catalog.offers = offers;
        catalog
    }

    /// What a server offers; nothing is known of one that was never up.
    pub(crate) fn offered(&self, server: usize) -> Option<&Offers> {
        self.offers.get(server).and_then(Option::as_ref)
    }

    /// The server of a prompt, and its own name for it.
    pub(crate) fn prompt(&self, name: &str) -> Option<&Own> {
        self.prompts.get(name)
    }

    /// The platform-wide name of a server's prompt; none for one that was left out.
    pub(crate) fn prompt_name(&self, server: usize, own: &str) -> Option<&str> {
        self.prompt_names.get(&(server, own.to_owned())).map(String::as_str)
    }

    /// Gives each its name. The first that has one keeps it.
    fn named<'a>(
        &mut self,
        servers: &[&str],
        what: &str,
        all: Vec<(usize, String, &'a str)>,
        prefix: Prefix,
    ) -> Vec<(String, (usize, String, &'a str))> {
        let mut owners: HashMap<String, HashSet<usize>> = HashMap::new();
        for (server, own, _) in &all {
            owners.entry(names::fit(own)).or_default().insert(*server);
        }
        let mut taken = HashSet::new();
        let mut named = Vec::new();
        for (server, own, listed) in all {
            let plain = names::fit(&own);
            let is_shared = owners.get(&plain).is_some_and(|owners| owners.len() > 1);
            let name = match prefix {
                Prefix::Always => names::prefixed(servers[server], &own),
                Prefix::Conditional if is_shared => names::prefixed(servers[server], &own),
                Prefix::Conditional | Prefix::Never => plain,
            };
            if taken.insert(name.clone()) {
                named.push((name, (server, own, listed)));
            } else {
                let server = servers[server];
                self.clashes.push(format!(
                    "{what} {own:?} of server {server} is left out: there is a {name} already"
                ));
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Terms;

    fn offers(tools: &[&str], prompts: &[&str]) -> Option<Offers> {
        let terms = Terms {
            version: mcp::Version::LATEST,
            capabilities: "{}".into(),
            instructions: String::new(),
            info: None,
        };
        Some(Offers {
            terms,
            tools: tools.iter().map(|name| format!("{{\"name\":{}}}", text::quoted(name))).collect(),
            prompts: prompts.iter().map(|name| (*name).to_owned()).collect(),
            resources: Vec::new(),
            templates: Vec::new(),
            revisions: [0; 2],
        })
    }

    fn check(prefix: Prefix, expected: &[&str], clashes: usize) {
        let offers = vec![offers(&["a", "b c", "b/c"], &["p"]), None, offers(&["a", "d"], &["p", "q"])];
        let catalog = Catalog::new(&["x", "y", "z"], offers, prefix);
        let tools: Vec<&str> = catalog.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(tools, expected);
        assert_eq!(catalog.clashes.len(), clashes, "{:?}", catalog.clashes);
    }

    #[test]
    fn names_are_prefixed_as_told_and_clashes_left_out() {
        check(Prefix::Always, &["x__a", "x__b_c", "z__a", "z__d"], 1);
        check(Prefix::Conditional, &["x__a", "b_c", "z__a", "d"], 1);
        // The second a, the second b_c, and the second prompt p.
        check(Prefix::Never, &["a", "b_c", "d"], 3);
    }

    #[test]
    fn prompts_are_found_by_both_names() {
        let catalog = Catalog::new(
            &["x", "z"],
            vec![offers(&[], &["p"]), offers(&[], &["p", "q"])],
            Prefix::Conditional,
        );
        assert_eq!(catalog.prompt("z__p"), Some(&(1, "p".to_owned())));
        assert_eq!(catalog.prompt_name(1, "q"), Some("q"));
        assert_eq!(catalog.prompt("p"), None);
    }
}
