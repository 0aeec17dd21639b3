//! The methods of the protocol beside tools, over all servers.
mod complete;
mod list;
mod listen;
mod prompt;
mod read;

use crate::federation::{Federation, text};
use backend::{Call, ErrorCode, Failure, Raw};
use mcp::method;

/// Answers `mcp.NAME.METHOD`.
///
/// # Errors
/// A server's, or that there is no such method or nothing of that name.
pub(crate) async fn answer(federation: &Federation, call: &Call, params: &Raw) -> Result<Raw, Failure> {
    let params = text(params)?;
    let prefix = format!("mcp.{}.", federation.settings.name);
    match call.method().strip_prefix(&prefix).unwrap_or_default() {
        method::RESOURCES_LIST => list::resources(federation, call, params).await,
        method::TEMPLATES_LIST => list::templates(federation, call, params).await,
        method::PROMPTS_LIST => list::prompts(federation, call, params).await,
        method::RESOURCES_READ => read::read(federation, call, params).await,
        method::PROMPTS_GET => prompt::get(federation, call, params).await,
        method::COMPLETE => complete::complete(federation, call, params).await,
        method::LISTEN => listen::listen(federation, call, params).await,
        other => Err(Failure::new(ErrorCode::MethodNotFound, format!("the bridge has no method {other:?}"))),
    }
}

/// A text that the params must have.
fn needed<'a>(params: &'a str, member: &str) -> Result<std::borrow::Cow<'a, str>, Failure> {
    mcp::text::member(params, member)
        .ok_or_else(|| Failure::invalid_params(format!("{member}: a string is needed")))
}
