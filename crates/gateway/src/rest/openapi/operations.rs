//! The operations of the API: which parameters each takes, and all that it may be answered with.

use super::{Schema, of};
use crate::config::Config;
use crate::rest::ask::{EVENT_STREAM, JSON, MERGE_PATCH};
use crate::rest::schema;
use serde_json::{Value, json};

/// One method of one path.
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) params: Vec<Param>,
    /// Media type, whether there has to be one, schema.
    pub(super) body: Option<(&'static str, bool, Schema)>,
    pub(super) answers: Vec<Answers>,
    /// The statuses of problems.
    pub(super) problems: &'static [u16],
}

/// A parameter.
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) needed: bool,
    pub(super) is_json: bool,
    pub(super) schema: Value,
    pub(super) meaning: &'static str,
}

/// An answer that is no problem.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) status: u16,
    pub(super) meaning: &'static str,
    pub(super) content: Vec<(&'static str, Schema)>,
    pub(super) headers: &'static [&'static str],
    /// The operation that takes the `id` of the body as this parameter.
    pub(super) link: Option<(&'static str, &'static str)>,
}

/// What any request may meet.
const READ: &[u16] = &[400, 401, 403, 406, 429, 503];
const READ_ONE: &[u16] = &[400, 401, 403, 404, 406, 429, 503];
/// What a request with a body may meet besides.
const PUBLISH: &[u16] = &[400, 401, 403, 406, 408, 413, 415, 422, 429, 503];
/// What backends may answer besides.
const ASK: &[u16] = &[400, 401, 403, 404, 406, 409, 413, 429, 500, 502, 503, 504];
const CALL: &[u16] = &[400, 401, 403, 404, 406, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504];
const UPDATE: &[u16] = &[400, 401, 403, 404, 406, 408, 409, 412, 413, 415, 429, 500, 502, 503, 504];

fn query(name: &'static str, schema: Value, meaning: &'static str) -> Param {
    Param { name, place: "query", needed: false, is_json: false, schema, meaning }
}

fn path(name: &'static str, meaning: &'static str) -> Param {
    let schema = json!({"type": "string", "minLength": 1});
    Param { name, place: "path", needed: true, is_json: false, schema, meaning }
}

fn header(name: &'static str, schema: Value, meaning: &'static str) -> Param {
    Param { name, place: "header", needed: false, is_json: false, schema, meaning }
}

fn text() -> Value {
    json!({"type": "string"})
}

fn time(name: &'static str) -> Param {
    query(name, json!({"type": "string", "format": "date-time"}), "RFC 3339")
}

fn key() -> Param {
    let schema = json!({"type": "string", "minLength": 1, "maxLength": 255});
    header("Idempotency-Key", schema, "The same request with the same key is done once")
}

fn condition() -> Param {
    header("If-Match", text(), "The ETag that the context must have")
}

fn limit(most: u32) -> Param {
    query("limit", json!({"type": "integer", "minimum": 1, "maximum": most}), "How many at most")
}

fn found(meaning: &'static str, schema: Schema) -> Answers {
    Answers { status: 200, meaning, content: vec![(JSON, schema)], ..Answers::default() }
}

fn empty(status: u16, meaning: &'static str) -> Answers {
    Answers { status, meaning, ..Answers::default() }
}

fn anything(_: &mut schemars::SchemaGenerator) -> Value {
    json!({})
}

fn stream(_: &mut schemars::SchemaGenerator) -> Value {
    json!({"type": "string"})
}

/// All of them.
pub(super) fn operations(config: &Config) -> Vec<Operation> {
    let operations = [description(), tools(), contexts(), events(config), tickets()];
    operations.into_iter().flatten().collect()
}

fn description() -> Vec<Operation> {
    vec![Operation {
        id: "describe",
        method: "get",
        path: "/openapi.json",
        summary: "This description",
        params: vec![],
        body: None,
        answers: vec![found("An OpenAPI document", anything)],
        problems: &[401, 403, 429, 503],
    }]
}

fn tools() -> Vec<Operation> {
    let tool = || path("tool", "A tool's name");
    let id = || path("id", "A call's name");
    vec![
        Operation {
            id: "listTools",
            method: "get",
            path: "/tools",
            summary: "The tools that the token may call",
            params: vec![query("prefix", text(), "What their names begin with")],
            body: None,
            answers: vec![found("Tools, by name", of::<schema::Tools>)],
            problems: READ,
        },
        Operation {
            id: "showTool",
            method: "get",
            path: "/tools/{tool}",
            summary: "One tool",
            params: vec![tool()],
            body: None,
            answers: vec![found("The tool", of::<schema::ToolShown>)],
            problems: READ_ONE,
        },
        Operation {
            id: "executeTool",
            method: "post",
            path: "/tools/{tool}/execute",
            summary: "Executes a tool: the result at once, as it comes (text/event-stream), or later (respond-async)",
            params: vec![
                tool(),
                key(),
                header("Prefer", text(), "`respond-async`: do not wait for the result (RFC 7240)"),
            ],
            body: Some((JSON, false, of::<schema::Execute<'_>>)),
            answers: vec![
                Answers {
                    content: vec![(JSON, of::<schema::Executed>), (EVENT_STREAM, stream)],
                    headers: &["Idempotency-Replayed"],
                    ..empty(200, "The result; or progress, parts and the result as server-sent events")
                },
                Answers {
                    content: vec![(JSON, of::<schema::CallWritten<'_>>)],
                    headers: &["Location", "Preference-Applied"],
                    link: Some(("showCall", "id")),
                    ..empty(202, "The call runs")
                },
            ],
            problems: CALL,
        },
        Operation {
            id: "showCall",
            method: "get",
            path: "/calls/{id}",
            summary: "How a call stands that outlives its request",
            params: vec![id()],
            body: None,
            answers: vec![Answers {
                headers: &["Retry-After"],
                ..found("It runs, or how it ended", of::<schema::CallWritten<'_>>)
            }],
            problems: READ_ONE,
        },
        Operation {
            id: "cancelCall",
            method: "delete",
            path: "/calls/{id}",
            summary: "Cancels such a call",
            params: vec![id()],
            body: None,
            answers: vec![empty(204, "It is being cancelled")],
            problems: &[400, 401, 403, 404, 406, 409, 429, 503],
        },
    ]
}

fn contexts() -> Vec<Operation> {
    let id = || path("id", "A context's id");
    let shown = |status, meaning, headers| Answers {
        content: vec![(JSON, of::<schema::Context>)],
        headers,
        ..empty(status, meaning)
    };
    let metadata = Param {
        is_json: true,
        ..query("metadata", json!({"type": "object"}), "Members that their metadata have")
    };
    vec![
        Operation {
            id: "listContexts",
            method: "get",
            path: "/contexts",
            summary: "The tenant's contexts, page by page",
            params: vec![
                limit(200),
                query("cursor", text(), "`next_cursor` of the page before"),
                query(
                    "order",
                    json!({"enum": ["created", "updated"]}),
                    "By which time the newest come first",
                ),
                metadata,
                query("agent", text(), "Who made them"),
                time("created_after"),
                time("created_before"),
                time("updated_after"),
                time("updated_before"),
            ],
            body: None,
            answers: vec![found("A page", of::<schema::Contexts>)],
            problems: ASK,
        },
        Operation {
            id: "createContext",
            method: "post",
            path: "/contexts",
            summary: "Makes a context",
            params: vec![key()],
            body: Some((JSON, true, of::<schema::Content<'_>>)),
            answers: vec![Answers {
                link: Some(("showContext", "id")),
                ..shown(201, "The context", &["Location", "ETag", "Idempotency-Replayed"])
            }],
            problems: CALL,
        },
        Operation {
            id: "searchContexts",
            method: "get",
            path: "/contexts/search",
            summary: "Searches the text of contexts",
            params: vec![
                Param { needed: true, ..query("q", text(), "The words") },
                query("id", text(), "The one context to search in"),
                limit(100),
            ],
            body: None,
            answers: vec![found("What was found, best first", of::<schema::Hits>)],
            problems: ASK,
        },
        Operation {
            id: "showContext",
            method: "get",
            path: "/contexts/{id}",
            summary: "One context",
            params: vec![id(), header("If-None-Match", text(), "The ETag that is known")],
            body: None,
            answers: vec![
                shown(200, "The context", &["ETag"]),
                Answers { headers: &["ETag"], ..empty(304, "It is as it is known") },
            ],
            problems: ASK,
        },
        Operation {
            id: "replaceContext",
            method: "put",
            path: "/contexts/{id}",
            summary: "Replaces content and metadata of a context",
            params: vec![id(), condition()],
            body: Some((JSON, true, of::<schema::Content<'_>>)),
            answers: vec![shown(200, "The context", &["ETag"])],
            problems: UPDATE,
        },
        Operation {
            id: "patchContext",
            method: "patch",
            path: "/contexts/{id}",
            summary: "Merges into the content of a context (RFC 7396)",
            params: vec![id(), condition()],
            body: Some((MERGE_PATCH, true, anything)),
            answers: vec![shown(200, "The context", &["ETag"])],
            problems: UPDATE,
        },
        Operation {
            id: "deleteContext",
            method: "delete",
            path: "/contexts/{id}",
            summary: "Deletes a context",
            params: vec![id(), condition()],
            body: None,
            answers: vec![empty(204, "It is gone")],
            problems: UPDATE,
        },
    ]
}

fn events(config: &Config) -> Vec<Operation> {
    let wait = json!({"type": "integer", "minimum": 0, "maximum": config.rest.max_wait_ms});
    vec![
        Operation {
            id: "readEvents",
            method: "get",
            path: "/events",
            summary: "Events of the tenant's log: those that are there, or as they come (text/event-stream)",
            params: vec![
                query("names", text(), "Names, prefixes such as tool.*, or *, with commas between"),
                query(
                    "after",
                    json!({"type": "integer", "minimum": 0}),
                    "`last_offset` of the answer before",
                ),
                query(
                    "epoch",
                    json!({"type": "string", "pattern": "^[0-9a-fA-F]{16}$"}),
                    "`log_epoch` of the answer before",
                ),
                query("wait_ms", wait, "How long to wait for the first event"),
                header("Last-Event-ID", text(), "The id of the last server-sent event"),
            ],
            body: None,
            answers: vec![Answers {
                content: vec![(JSON, of::<schema::Events>), (EVENT_STREAM, stream)],
                ..empty(200, "Events, in the order of the log")
            }],
            problems: READ,
        },
        Operation {
            id: "publishEvent",
            method: "post",
            path: "/events",
            summary: "Publishes an event to the tenant",
            params: vec![key()],
            body: Some((JSON, true, of::<schema::Publish<'_>>)),
            answers: vec![Answers {
                content: vec![(JSON, of::<schema::Published>)],
                ..empty(201, "Where it stands in the log")
            }],
            problems: PUBLISH,
        },
    ]
}

fn tickets() -> Vec<Operation> {
    vec![Operation {
        id: "giveTicket",
        method: "post",
        path: "/tickets",
        summary: "A ticket that opens one WebSocket, for who can set no header",
        params: vec![],
        body: None,
        answers: vec![Answers {
            content: vec![(JSON, of::<schema::TicketWritten>)],
            ..empty(201, "A ticket, good once")
        }],
        problems: READ_ONE,
    }]
}
