//! Which tools a caller is shown: those that its scopes allow.

use auth::Identity;
use router::{Handler, Table};

/// Whether the holder has every scope that the handler needs.
pub(crate) fn may_call(identity: &Identity, handler: &Handler) -> bool {
    handler.scopes.iter().all(|scope| identity.has_scope(scope))
}

/// `{"tools":[…]}`, by name.
pub(crate) fn tools(table: &Table, identity: &Identity, prefix: &str) -> Vec<u8> {
    let mut result = b"{\"tools\":[".to_vec();
    let mut first = true;
    for tool in table.tools() {
        if tool.name.starts_with(prefix) && may_call(identity, tool) {
            if !first {
                result.push(b',');
            }
            first = false;
            result.extend_from_slice(&tool.listing);
        }
    }
    result.extend_from_slice(b"]}");
    result
}
