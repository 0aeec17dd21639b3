//! The platform as a server of Model Context Protocol: what becomes of a message, whoever carries it. Every request is answered
//! at once, or it is a call of a backend, a question to several of them, or a stream of news. Within, all is said as the newest
//! version says it; the last step is what the client's own version makes of it.

mod changes;
mod client;
mod contexts;
mod decide;
mod hello;
mod key;
mod listening;
mod lists;
mod plan;
mod sources;
mod tools;
mod untold;

pub(crate) use changes::{Changed, Changes};
pub(crate) use client::Client;
pub(crate) use decide::{Becomes, Request, Server};
pub(crate) use hello::initialized;
pub(crate) use key::{Key, named};
pub(crate) use listening::{Listening, Wish};
pub(crate) use lists::Asking;
pub(crate) use plan::{Ends, Note, Plan, ROUNDS, Shape, asks, unasked};

use mcp::method;
use protocol::{Method, MethodName, json};
use std::borrow::Cow;

/// Where its clients look for it.
pub(crate) const PATH: &str = "/mcp";

/// What identifies the platform in answers.
const SERVER_INFO: &str =
    concat!("{\"name\":\"mcpw\",\"title\":\"mcpw\",\"version\":\"", env!("CARGO_PKG_VERSION"), "\"}");

/// What a method is counted and limited as: the platform's own of the same meaning, where there is one.
pub(crate) fn method_name(method: Cow<'_, str>) -> MethodName<'_> {
    match &*method {
        method::INITIALIZE => Method::Initialize.into(),
        method::TOOLS_LIST => Method::ToolList.into(),
        method::TOOLS_CALL => Method::ToolExecute.into(),
        method::CANCELLED => Method::ToolCancel.into(),
        _ => MethodName::Custom(method),
    }
}

/// Whether a text is of this protocol, where a client has not said what it speaks: it, or the first of a batch, has a member
/// `jsonrpc`.
pub(crate) fn is_spoken(text: &str) -> bool {
    if memchr::memmem::find(text.as_bytes(), b"\"jsonrpc\"").is_none() {
        return false;
    }
    let first = mcp::text::elements(text).next().unwrap_or(text);
    json::member(first, "jsonrpc").is_some()
}

/// The id of the request that a `notifications/cancelled` is about.
pub(crate) fn cancelled(params: &str) -> Option<mcp::Id<'_>> {
    json::member(params, "requestId").and_then(mcp::read_id)
}
