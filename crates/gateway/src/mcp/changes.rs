//! Who is to hear that what is offered has changed: backends come and go.

use crate::shard::{Delivery, Peer};
use mcp::method;
use protocol::json;
use router::Table;
use slab::Slab;
use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// What has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) tools: bool,
    pub(crate) resources: bool,
    pub(crate) prompts: bool,
}

impl Changed {
    /// Between two tables.
    pub(crate) fn between(before: &Table, after: &Table) -> Self {
        let [before, after] = [before, after].map(Digest::of);
        Self {
            tools: before.tools != after.tools,
            resources: before.resources != after.resources || before.contexts != after.contexts,
            prompts: before.prompts != after.prompts,
        }
    }

    /// Whether anything has.
    pub(crate) const fn any(self) -> bool {
        self.tools || self.resources || self.prompts
    }

    /// The notifications that tell it.
    pub(crate) fn methods(self) -> impl Iterator<Item = &'static str> {
        let told = [
            (self.tools, method::TOOLS_CHANGED),
            (self.resources, method::RESOURCES_CHANGED),
            (self.prompts, method::PROMPTS_CHANGED),
        ];
        told.into_iter().filter(|(is_so, _)| *is_so).map(|(_, method)| method)
    }

    /// What of it somebody wants to hear.
    pub(crate) const fn of(self, wanted: Self) -> Self {
        Self {
            tools: self.tools && wanted.tools,
            resources: self.resources && wanted.resources,
            prompts: self.prompts && wanted.prompts,
        }
    }
}

/// What a table offers, in a few words.
#[derive(PartialEq, Eq)]
struct Digest {
    tools: u64,
    resources: u64,
    prompts: u64,
    contexts: bool,
}

impl Digest {
    fn of(table: &Table) -> Self {
        let mut tools = DefaultHasher::new();
        for tool in table.tools() {
            (&tool.name, &tool.listing, &tool.mcp).hash(&mut tools);
        }
        // A capability says which lists there are, and by its revision, where it has one, that they are other ones now.
        let lists = |member| {
            let mut lists = DefaultHasher::new();
            for server in table.mcp() {
                let capabilities = std::str::from_utf8(&server.capabilities).unwrap_or_default();
                (&server.backend, json::member(capabilities, member), &server.uri_prefixes).hash(&mut lists);
            }
            lists.finish()
        };
        let contexts = table.method("context.list").is_some();
        Self { tools: tools.finish(), resources: lists("resources"), prompts: lists("prompts"), contexts }
    }
}

/// Those who want to hear it, of one shard.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    peers: RefCell<Slab<Rc<Peer>>>,
}

impl Changes {
    /// This one hears of changes too, by [`Delivery::Changed`]; its place.
    pub(crate) fn join(&self, peer: &Rc<Peer>) -> usize {
        self.peers.borrow_mut().insert(Rc::clone(peer))
    }

    /// Whoever has this place hears no more.
    pub(crate) fn leave(&self, place: usize) {
        self.peers.borrow_mut().try_remove(place);
    }

    /// What is offered is another table's now.
    pub(crate) fn tell(&self, before: &Table, after: &Table) {
        let peers = self.peers.borrow();
        // Mostly nobody listens, and then nothing is compared.
        if peers.is_empty() {
            return;
        }
        let changed = Changed::between(before, after);
        if changed.any() {
            peers.iter().for_each(|(_, peer)| peer.deliver_to(Delivery::Changed(changed)));
        }
    }
}
