//! `tools/list` and `tools/call`. `server/tools`.

use super::decide::{Becomes, Request, Server};
use super::plan::{Ends, Plan};
use mcp::cursor::Cursor;
use mcp::tool::Native;
use mcp::{Error, Version, method, text};
use protocol::{Method, json};
use router::Handler;
use std::time::Duration;

/// Tools of one page.
const PAGE: usize = 500;

/// The tools that the caller may call, by name, from where the cursor stands.
pub(super) fn list(request: &Request<'_>, server: &Server<'_>, version: Version) -> Becomes {
    let after = match cursor(request.params) {
        Ok(cursor) => cursor.and_then(|cursor| cursor.at).unwrap_or_default(),
        Err(error) => return Becomes::Failure(error),
    };
    let mut out = "{\"tools\":[".to_owned();
    let (mut count, mut last) = (0, "");
    let tools = server.table.tools();
    let first = tools.partition_point(|tool| tool.name <= after);
    let mut next = None;
    for tool in tools[first..].iter().filter(|tool| server.access.to(tool).is_ok()) {
        if count == PAGE {
            next = Some(Cursor { source: String::new(), at: Some(last.to_owned()) }.write());
            break;
        }
        if count > 0 {
            out.push(',');
        }
        out += &shown(tool, version);
        (count, last) = (count + 1, &tool.name);
    }
    out.push(']');
    if let Some(next) = next {
        out += &format!(",\"nextCursor\":\"{next}\"");
    }
    Becomes::Answer(super::plan::shown(&(out + "}"), method::TOOLS_LIST, version))
}

/// The cursor of a list's params.
pub(super) fn cursor(params: &str) -> Result<Option<Cursor>, Error> {
    let Some(raw) = json::member(params, "cursor") else { return Ok(None) };
    let cursor = text::string(raw).and_then(|text| Cursor::read(&text));
    cursor.map(Some).ok_or_else(|| Error::params("params.cursor is none that this server has given"))
}

/// A tool as this version lists it.
fn shown(tool: &Handler, version: Version) -> String {
    if let Some(raw) = own_object(tool) {
        return mcp::tool::listed(raw, &tool.name, version).into_owned();
    }
    let listing = std::str::from_utf8(&tool.listing).unwrap_or("{}");
    let raw = |name| json::member(listing, name).unwrap_or_default();
    Native {
        name: &tool.name,
        description: &text::string(raw("description")).unwrap_or_default(),
        input_schema: raw("input_schema"),
        output_schema: raw("output_schema"),
        read_only: tool.annotations.read_only,
        idempotent: tool.annotations.idempotent,
        destructive: tool.annotations.destructive,
    }
    .write(version)
}

/// The tool as its own server lists it; none of a tool that knows nothing of the protocol.
fn own_object(tool: &Handler) -> Option<&str> {
    std::str::from_utf8(&tool.mcp).ok().filter(|raw| !raw.is_empty())
}

/// A call of a tool.
pub(super) fn call(request: &Request<'_>, server: &Server<'_>) -> Becomes {
    let Some(name) = text::member(request.params, "name") else {
        return Becomes::Failure(Error::params("params.name is missing: a string is needed"));
    };
    let Some(handler) = server.table.tool(&name) else {
        let name: String = name.chars().take(128).collect();
        return Becomes::NoTool(Error::params(format!("Unknown tool: {name}")));
    };
    let arguments = json::member(request.params, "arguments").unwrap_or("{}");
    if !arguments.starts_with('{') {
        return Becomes::Failure(Error::params("params.arguments must be an object"));
    }
    let (own, params, ends) = if own_object(handler).is_some() {
        (method::TOOLS_CALL, request.modern(), Ends::Server(method::TOOLS_CALL))
    } else {
        (Method::ToolExecute.name(), arguments.to_owned(), Ends::Tool)
    };
    Becomes::Call(Box::new(Plan {
        handler: handler.clone(),
        method: own.into(),
        params,
        timeout: request.meta.timeout_ms.map(Duration::from_millis),
        shape: request.shape(ends),
    }))
}
