//! Which backends a resource, a prompt or a completion may be asked of.

use super::decide::Server;
use protocol::json;
use router::{Mcp, Table};
use std::sync::Arc;

/// Backends that have what this member of their capabilities says, and that the caller may ask.
pub(super) fn with(server: &Server<'_>, member: &str, method: &str) -> Vec<Arc<Mcp>> {
    let sources = server.table.mcp().iter();
    sources.filter(|source| has(source, member) && may_ask(server, source, method)).cloned().collect()
}

/// Backends whose resource this may be: the one that claims the longest prefix of it, else all that claim none.
pub(super) fn of_uri(server: &Server<'_>, uri: &str, method: &str) -> Vec<Arc<Mcp>> {
    let claimed = claimed(&server.table, uri);
    let sources = with(server, "resources", method).into_iter();
    match claimed {
        Some(owner) => sources.filter(|source| source.backend == owner.backend).collect(),
        None => sources.filter(|source| source.uri_prefixes.is_empty()).collect(),
    }
}

/// The backend that claims the longest prefix of this URI.
fn claimed<'a>(table: &'a Table, uri: &str) -> Option<&'a Arc<Mcp>> {
    let longest = |source: &Mcp| {
        let prefixes = source.uri_prefixes.iter().filter(|prefix| uri.starts_with(prefix.as_str()));
        prefixes.map(String::len).max()
    };
    table
        .mcp()
        .iter()
        .filter_map(|source| Some((longest(source)?, source)))
        .max_by_key(|(len, _)| *len)
        .map(|(_, source)| source)
}

fn has(source: &Mcp, member: &str) -> bool {
    let capabilities = std::str::from_utf8(&source.capabilities).unwrap_or_default();
    json::member(capabilities, member).is_some()
}

fn may_ask(server: &Server<'_>, source: &Mcp, method: &str) -> bool {
    server.may_ask(&source.methods, &source.method(method)).is_ok()
}
