//! Asking a backend what it is, and believing only an answer that keeps the rules.
use std::collections::HashSet;
use std::time::Duration;

use protocol::pb::backend_client::BackendClient;
use protocol::{Replica, pb};
use tonic::Request;
use tonic::transport::Channel;

use crate::dial::{Dialer, dial, status_text};
use crate::{Error, address, mcp, names, table};

/// The most handlers that one backend may have.
const MAX_HANDLERS: usize = 10_000;
/// The largest description as a message.
const MAX_BYTES: usize = 16 << 20;
/// The longest description of a tool, and the longest version.
const MAX_TEXT: usize = 16 << 10;
/// The largest schema.
const MAX_SCHEMA: usize = 256 << 10;
/// The largest tool as a server of Model Context Protocol lists it: its schemas, and more.
const MAX_MCP: usize = 1 << 20;
/// The most scopes of one handler, and the longest scope.
const MAX_SCOPES: usize = 64;
const MAX_SCOPE: usize = 256;

/// Dials an address, in any form that [`normalise`](crate::normalise) takes, and asks Describe.
///
/// # Errors
/// [`Error::Address`], [`Error::Unreachable`] (also when `timeout` passes), [`Error::Refused`],
/// [`Error::Invalid`].
///
/// # Cancel safety
/// A dropped future closes the connection and leaves nothing behind.
pub async fn describe(address: &str, dialer: &Dialer, timeout: Duration) -> Result<pb::Description, Error> {
    let address = address::normalise(address)?;
    let asked = async { ask(&dial(&address, dialer, None).await?, &address, timeout).await };
    tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| Err(unanswered(&address, timeout)))
}

/// Asks Describe on an open connection.
pub(crate) async fn ask(
    channel: &Channel,
    address: &str,
    timeout: Duration,
) -> Result<pb::Description, Error> {
    let mut client = BackendClient::new(channel.clone()).max_decoding_message_size(MAX_BYTES);
    let asked = client.describe(Request::new(pb::DescribeRequest {}));
    let description = match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(answer)) => answer.into_inner(),
        Ok(Err(status)) => {
            let (address, reason) = (address.to_owned(), status_text(&status));
            return Err(match status.code() {
                tonic::Code::Unavailable | tonic::Code::Cancelled | tonic::Code::Unknown => {
                    Error::Unreachable { address, reason }
                }
                tonic::Code::OutOfRange => Error::Invalid { address, reason },
                _ => Error::Refused { address, reason },
            });
        }
        Err(_) => return Err(unanswered(address, timeout)),
    };
    match check(&description) {
        Ok(()) => Ok(description),
        Err(reason) => Err(Error::Invalid { address: address.to_owned(), reason }),
    }
}

fn unanswered(address: &str, timeout: Duration) -> Error {
    let reason = format!("no description within {} ms", timeout.as_millis());
    Error::Unreachable { address: address.to_owned(), reason }
}

/// Checks every rule of a description; says the first that it breaks.
pub(crate) fn check(description: &pb::Description) -> Result<(), String> {
    names::backend(&description.name)?;
    if description.version.len() > MAX_TEXT {
        return Err(format!("its version is longer than {MAX_TEXT} bytes"));
    }
    let count = description.tools.len() + description.methods.len();
    if count == 0 {
        return Err("it has neither a tool nor a method".to_owned());
    }
    if count > MAX_HANDLERS {
        return Err(format!("it has {count} handlers, {MAX_HANDLERS} are allowed"));
    }
    for tool in &description.tools {
        let name = &tool.name;
        if tool.description.len() > MAX_TEXT {
            return Err(format!("the description of tool {name:.140?} is longer than {MAX_TEXT} bytes"));
        }
        if tool.input_schema.len().max(tool.output_schema.len()) > MAX_SCHEMA {
            return Err(format!("a schema of tool {name:.140?} is larger than {MAX_SCHEMA} bytes"));
        }
        if tool.mcp.len() > MAX_MCP {
            return Err(format!("the MCP object of tool {name:.140?} is larger than {MAX_MCP} bytes"));
        }
        check_scopes(name, &tool.scopes)?;
    }
    for method in &description.methods {
        check_scopes(&method.pattern, &method.scopes)?;
    }
    let probe = Replica {
        instance: String::new(),
        address: String::new(),
        // Cheap: the schemas are shared bytes.
        description: description.clone(),
    };
    let mut seen = HashSet::new();
    for declared in table::declarations(&probe) {
        table::check(declared)?;
        if !seen.insert((std::mem::discriminant(&declared), declared.name())) {
            return Err(format!("it declares {} twice", declared.name()));
        }
    }
    mcp::check(description)
}

fn check_scopes(handler: &str, scopes: &[String]) -> Result<(), String> {
    if scopes.len() > MAX_SCOPES {
        return Err(format!("{handler:.140?} asks for more than {MAX_SCOPES} scopes"));
    }
    match scopes.iter().find(|scope| !(1..=MAX_SCOPE).contains(&scope.len())) {
        Some(_) => Err(format!("a scope of {handler:.140?} is not 1 to {MAX_SCOPE} bytes")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut pb::Description)) -> Result<(), String> {
        let tool = pb::Tool { name: "echo".into(), ..Default::default() };
        let mut description =
            pb::Description { name: "tools".into(), tools: vec![tool], ..Default::default() };
        change(&mut description);
        check(&description)
    }

    #[test]
    fn a_plain_description_passes() {
        assert_eq!(with(|_| ()), Ok(()));
    }

    #[test]
    fn a_description_that_breaks_a_rule_is_told_which() {
        type Change = fn(&mut pb::Description);
        let cases: [(Change, &str); 12] = [
            (|d| d.name = "Tools".into(), "backend name"),
            (|d| d.tools.clear(), "neither"),
            (|d| d.tools = vec![d.tools[0].clone(); 10_001], "10001 handlers"),
            (|d| d.tools.push(d.tools[0].clone()), "echo twice"),
            (|d| d.tools[0].name = "a b".into(), "tool name"),
            (|d| d.tools[0].input_schema = "{".into(), "input schema of tool echo is not JSON"),
            (|d| d.tools[0].output_schema = "[]".into(), "output schema of tool echo is not a JSON object"),
            (|d| d.tools[0].mcp = "[]".into(), "MCP object of tool echo is not a JSON object"),
            (|d| d.mcp = Some(pb::Mcp::default()), "does not declare the method mcp.tools.*"),
            (
                |d| d.methods.push(pb::Method { pattern: "mcp.others.*".into(), ..Default::default() }),
                "for a backend with `mcp`",
            ),
            (|d| d.tools[0].scopes = vec![String::new()], "scope"),
            (
                |d| d.methods.push(pb::Method { pattern: "session.*".into(), ..Default::default() }),
                "belongs to the gateway",
            ),
        ];
        for (change, words) in cases {
            let said = with(change).expect_err(words);
            assert!(said.contains(words), "{said}");
        }
    }
}
