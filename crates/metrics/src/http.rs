//! What REST requests are counted by: the route, never the path, and the class of the status.

use crate::Counter;

/// Where a request went. A closed set: whatever else a client names is `Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Route {
    /// The description of the API.
    OpenApi,
    /// All tools.
    Tools,
    /// One tool.
    Tool,
    /// A tool's execution.
    Execute,
    /// A call that outlives its request.
    Call,
    /// All contexts.
    Contexts,
    /// One context.
    Context,
    /// The search in contexts.
    ContextSearch,
    /// The tenant's events.
    Events,
    /// Tickets for WebSockets.
    Tickets,
    /// Which authorization servers there are.
    Metadata,
    /// Model Context Protocol.
    Mcp,
    /// Nothing that is there.
    Unknown,
}

impl Route {
    pub(crate) const NAMES: [&'static str; 13] = [
        "openapi",
        "tools",
        "tool",
        "execute",
        "call",
        "contexts",
        "context",
        "context_search",
        "events",
        "tickets",
        "metadata",
        "mcp",
        "unknown",
    ];
}

/// Requests that were answered.
#[derive(Debug, Default)]
pub struct Requests([[Counter; Self::CLASSES.len()]; Route::NAMES.len()]);

impl Requests {
    pub(crate) const CLASSES: [&'static str; 4] = ["2xx", "3xx", "4xx", "5xx"];

    /// A request to this route was answered with this status, 200 to 599.
    pub fn answered(&self, route: Route, status: u16) {
        let class = usize::from(status / 100).clamp(2, 5) - 2;
        self.0[route as usize][class].increment();
    }

    pub(crate) fn count(&self, route: usize, class: usize) -> u64 {
        self.0[route][class].value()
    }
}
