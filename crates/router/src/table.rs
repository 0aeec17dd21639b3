//! Which handlers exist and which replicas offer each. It knows no connection and no call.
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::{HashMap, HashMapExt as _};
use protocol::Replica;

use crate::conflict::{Conflict, Reason};
use crate::handler::{self, Declared, Handler, Kind};
use crate::mcp::{self, Mcp};
use crate::names;

/// Tells one table from another, so that a handler of an old table is noticed.
static BUILT: AtomicU64 = AtomicU64::new(1);

/// Every handler of every live backend. Immutable; built once for each change of the directory and
/// shared by all shards.
#[derive(Debug)]
pub struct Table {
    pub(crate) version: u64,
    replicas: Vec<Arc<Replica>>,
    /// Sorted by name.
    tools: Vec<Arc<Handler>>,
    by_tool: HashMap<String, Arc<Handler>>,
    by_method: HashMap<String, Arc<Handler>>,
    /// By the pattern without its star: `workflow.`.
    by_prefix: HashMap<String, Arc<Handler>>,
    /// Sorted by backend.
    mcp: Vec<Arc<Mcp>>,
}

impl Default for Table {
    fn default() -> Self {
        Self::build(&[], None).0
    }
}

impl Table {
    /// Builds the table of these replicas.
    ///
    /// A tool or a pattern that two backends offer goes to the one that had it in `previous`, else to
    /// the first in `replicas`, but a tool that is a backend's own comes before those of servers behind
    /// bridges; what is left out is reported, once for each backend and name. Where
    /// replicas of one backend disagree, scopes are united, annotations hold only if all declare them,
    /// and the rest is as the first says.
    pub fn build(replicas: &[Arc<Replica>], previous: Option<&Self>) -> (Self, Vec<Conflict>) {
        let mut conflicts = Conflicts::default();
        let mut kept: Vec<Arc<Replica>> = Vec::with_capacity(replicas.len());
        let mut instances = HashSet::new();
        for replica in replicas {
            if let Err(why) = names::backend(replica.backend()) {
                conflicts.note(replica.backend(), "", Reason::Invalid(why));
            } else if instances.insert(replica.instance.as_str()) {
                kept.push(Arc::clone(replica));
            }
        }

        let mut offered: BTreeMap<(bool, &str), Vec<Offer<'_>>> = BTreeMap::new();
        for (place, replica) in (0u32..).zip(&kept) {
            let mut names_here = HashSet::new();
            for declared in declarations(replica) {
                let is_tool = matches!(declared, Declared::Tool(_));
                if let Err(why) = check(declared) {
                    conflicts.note(replica.backend(), declared.name(), Reason::Invalid(why));
                } else if names_here.insert((is_tool, declared.name())) {
                    let offer = Offer { backend: replica.backend(), place, declared };
                    offered.entry((is_tool, declared.name())).or_default().push(offer);
                }
            }
        }

        let version = BUILT.fetch_add(1, Ordering::Relaxed);
        let mut table = Self {
            version,
            replicas: Vec::new(),
            tools: Vec::new(),
            by_tool: HashMap::new(),
            by_method: HashMap::new(),
            by_prefix: HashMap::new(),
            mcp: Vec::new(),
        };
        for ((is_tool, name), offers) in offered {
            let are_bridged = offers.iter().all(Offer::is_bridged);
            let mut candidates = offers.iter().filter(|offer| are_bridged || !offer.is_bridged());
            let owner = previous
                .and_then(|previous| previous.exactly(is_tool, name))
                .map(|known| known.backend.as_str())
                .filter(|owner| candidates.clone().any(|offer| offer.backend == *owner))
                .or_else(|| candidates.next().map(|offer| offer.backend))
                .unwrap_or_default();
            for offer in offers.iter().filter(|offer| offer.backend != owner) {
                let reason = Reason::Taken { owner: owner.to_owned(), bridged: offer.is_bridged() };
                conflicts.note(offer.backend, name, reason);
            }
            let own: Vec<_> = offers
                .iter()
                .filter(|offer| offer.backend == owner)
                .map(|offer| (offer.place, offer.declared))
                .collect();
            if let Some(handler) = handler::merge(version, owner, &own) {
                table.insert(handler);
            }
        }
        table.mcp = mcp::servers(&kept, &table.by_prefix);
        table.replicas = kept;
        (table, conflicts.list)
    }

    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Arc<Handler>> {
        self.by_tool.get(name)
    }

    /// The handler of this method: the one of exactly this name, else the one of the longest prefix.
    pub fn method(&self, name: &str) -> Option<&Arc<Handler>> {
        if let Some(exact) = self.by_method.get(name) {
            return Some(exact);
        }
        if self.by_prefix.is_empty() || name.ends_with('.') {
            return None;
        }
        name.rmatch_indices('.').find_map(|(dot, _)| self.by_prefix.get(&name[..=dot]))
    }

    /// Every tool, sorted by name.
    pub fn tools(&self) -> &[Arc<Handler>] {
        &self.tools
    }

    /// Every backend that stands for servers of Model Context Protocol, sorted by name.
    pub fn mcp(&self) -> &[Arc<Mcp>] {
        &self.mcp
    }

    /// Every replica that can be used, in the order of the directory.
    pub fn replicas(&self) -> &[Arc<Replica>] {
        &self.replicas
    }

    /// The handler of the same name in this table, if it still exists.
    pub(crate) fn same(&self, other: &Handler) -> Option<&Arc<Handler>> {
        self.exactly(other.kind == Kind::Tool, &other.name)
    }

    fn exactly(&self, is_tool: bool, name: &str) -> Option<&Arc<Handler>> {
        match names::prefix(name) {
            _ if is_tool => self.by_tool.get(name),
            Some(prefix) => self.by_prefix.get(prefix),
            None => self.by_method.get(name),
        }
    }

    fn insert(&mut self, handler: Handler) {
        let handler = Arc::new(handler);
        let name = handler.name.clone();
        match handler.kind {
            Kind::Tool => {
                // Offers come sorted by name, and so do the tools.
                self.tools.push(Arc::clone(&handler));
                self.by_tool.insert(name, handler);
            }
            Kind::Method => {
                self.by_method.insert(name, handler);
            }
            Kind::Prefix => {
                self.by_prefix.insert(name.trim_end_matches('*').to_owned(), handler);
            }
        }
    }
}

struct Offer<'a> {
    backend: &'a str,
    place: u32,
    declared: Declared<'a>,
}

impl Offer<'_> {
    /// Whether it is a tool of a server of Model Context Protocol, which the backend stands for.
    fn is_bridged(&self) -> bool {
        matches!(self.declared, Declared::Tool(tool) if !tool.mcp.is_empty())
    }
}

#[derive(Default)]
struct Conflicts {
    list: Vec<Conflict>,
    seen: HashSet<(String, String)>,
}

impl Conflicts {
    fn note(&mut self, backend: &str, handler: &str, reason: Reason) {
        if self.seen.insert((backend.to_owned(), handler.to_owned())) {
            let (backend, handler) = (backend.to_owned(), handler.to_owned());
            self.list.push(Conflict { backend, handler, reason });
        }
    }
}

/// Everything that a replica declares, tools first.
pub(crate) fn declarations(replica: &Replica) -> impl Iterator<Item = Declared<'_>> {
    let description = &replica.description;
    let methods = description.methods.iter().map(Declared::Method);
    description.tools.iter().map(Declared::Tool).chain(methods)
}

/// Checks the names and schemas of one declaration.
pub(crate) fn check(declared: Declared<'_>) -> Result<(), String> {
    match declared {
        Declared::Tool(tool) => {
            names::tool(&tool.name)?;
            for (which, text) in [
                ("input schema", &tool.input_schema),
                ("output schema", &tool.output_schema),
                ("MCP object", &tool.mcp),
            ] {
                handler::object(text).map_err(|why| format!("{which} of tool {} {why}", tool.name))?;
            }
            Ok(())
        }
        Declared::Method(method) => names::pattern(&method.pattern),
    }
}
