//! What travels in bodies, as types: the API's description is made of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::num::NonZeroU64;

/// What a tool is executed with.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Execute<'a> {
    /// What the tool takes; `{}` if left out. `args` means the same.
    #[serde(borrow, default, alias = "args")]
    #[schemars(with = "serde_json::Value")]
    pub(super) arguments: Option<&'a RawValue>,
    /// The deadline of this call in milliseconds; left out, it is the tool's own.
    #[serde(default)]
    pub(super) timeout_ms: Option<NonZeroU64>,
}

/// What a tool has returned.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written byte for byte, and only described here")]
pub(super) struct Executed {
    /// Whatever the tool returns.
    result: serde_json::Value,
}

/// How a call stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(super) enum CallState<'a> {
    /// It has not ended.
    Running,
    /// It ended well.
    Done {
        /// Whatever the tool returned.
        #[schemars(with = "serde_json::Value")]
        result: Option<&'a RawValue>,
    },
    /// It ended without a result.
    Failed {
        /// Why.
        #[schemars(with = "ProblemDetails")]
        problem: Option<&'a RawValue>,
    },
}

/// A call that outlives its request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Call")]
pub(super) struct CallWritten<'a> {
    /// Its name.
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) state: &'a CallState<'a>,
}

/// A ticket that was given out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Ticket")]
pub(super) struct TicketWritten {
    /// What stands in the URL of the upgrade, as `/ws?ticket=`.
    pub(super) ticket: String,
    /// How long it is good, in seconds.
    pub(super) expires_in: u64,
}

/// Problem details, RFC 9457.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the problem itself, and only described here")]
#[schemars(rename = "Problem")]
pub(super) struct ProblemDetails {
    /// `urn:mcpw:error:` and the code.
    r#type: String,
    /// The code's name.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What was wrong, and what would be right.
    detail: String,
    /// The code of the 4000s.
    #[schemars(range(min = 4000, max = 4999))]
    code: u16,
    /// What the backend or the gateway says besides.
    details: Option<serde_json::Value>,
}

/// A tool, as `tool.list` shows it.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the router, and only described here")]
#[schemars(rename = "Tool")]
pub(super) struct ToolShown {
    name: String,
    description: String,
    /// JSON Schema of `arguments`.
    input_schema: serde_json::Map<String, serde_json::Value>,
    /// JSON Schema of the result, if the backend declares one.
    output_schema: Option<serde_json::Map<String, serde_json::Value>>,
    annotations: AnnotationsShown,
    /// What a token needs to call it.
    scopes: Vec<String>,
    /// Its own deadline, if it has one.
    timeout_ms: Option<u32>,
    /// Who offers it.
    backend: String,
}

/// What a tool declares about being run.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the router, and only described here")]
#[schemars(rename = "Annotations")]
pub(super) struct AnnotationsShown {
    read_only: bool,
    idempotent: bool,
    destructive: bool,
}

/// Tools, by name.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the router, and only described here")]
pub(super) struct Tools {
    tools: Vec<ToolShown>,
}

/// A context to be made, or what replaces one.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Content<'a> {
    /// Text or any other JSON.
    #[serde(borrow)]
    #[schemars(with = "serde_json::Value")]
    pub(super) content: &'a RawValue,
    /// What it can be found by; `{}` if left out.
    #[serde(borrow, default)]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub(super) metadata: Option<&'a RawValue>,
}

/// A context.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the backend, and only described here")]
pub(super) struct Context {
    id: String,
    /// Who made it.
    agent: String,
    content: serde_json::Value,
    metadata: serde_json::Map<String, serde_json::Value>,
    /// Also its `ETag`.
    version: u64,
    /// RFC 3339, UTC.
    created_at: String,
    /// RFC 3339, UTC.
    updated_at: String,
}

/// A page of contexts, without their content.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the backend, and only described here")]
pub(super) struct Contexts {
    contexts: Vec<serde_json::Map<String, serde_json::Value>>,
    /// The `cursor` of the next page, if there is one.
    next_cursor: Option<String>,
}

/// What a search has found, best first.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the backend, and only described here")]
pub(super) struct Hits {
    hits: Vec<Hit>,
}

/// A context that a search has found, without its content.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the backend, and only described here")]
pub(super) struct Hit {
    id: String,
    /// Who made it.
    agent: String,
    metadata: serde_json::Map<String, serde_json::Value>,
    version: u64,
    /// RFC 3339, UTC.
    created_at: String,
    /// RFC 3339, UTC.
    updated_at: String,
    /// Compares with those of the same answer alone.
    score: f64,
    /// The words that were found, between `**`, and what is around them.
    snippets: Vec<String>,
}

/// An event to be published.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Publish<'a> {
    /// 1 to 128 bytes without `*` and control characters; not a name of the platform.
    #[schemars(length(min = 1, max = 128))]
    pub(super) name: String,
    /// `null` if left out.
    #[serde(borrow, default)]
    #[schemars(with = "serde_json::Value")]
    pub(super) data: Option<&'a RawValue>,
}

/// Where an event stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Published {
    /// One more than that of the event before it.
    pub(super) offset: u64,
    /// Which life of the log.
    pub(super) log_epoch: String,
}

/// Events of the tenant's log.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Events {
    /// In the order of the log; none if none came in time.
    #[schemars(with = "Vec<EventShown>")]
    pub(super) events: Vec<Box<RawValue>>,
    /// `epoch` of the next request.
    pub(super) log_epoch: String,
    /// `after` of the next request.
    pub(super) last_offset: u64,
    /// Events are missing before these.
    pub(super) gap: bool,
}

/// An event.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "written by the log, and only described here")]
#[schemars(rename = "Event")]
pub(super) struct EventShown {
    /// Its place in the log.
    offset: u64,
    name: String,
    data: serde_json::Value,
}
