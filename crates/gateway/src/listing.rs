//! Which tools a caller is shown: those that it may execute.

use crate::access::Access;
use router::Table;

/// `{"tools":[…]}`, by name.
pub(crate) fn tools(table: &Table, access: Access<'_>, prefix: &str) -> Vec<u8> {
    let mut result = b"{\"tools\":[".to_vec();
    let mut first = true;
    for tool in table.tools() {
        if tool.name.starts_with(prefix) && access.to(tool).is_ok() {
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
