//! Which paths there are, and what may be asked at each.

use super::ROOT;
use super::streamable::{self, metadata};
use hyper::Method;
use metrics::Route;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use protocol::Method as Platform;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    OpenApi,
    Tools,
    Tool(String),
    Execute(String),
    Call(String),
    Contexts,
    ContextSearch,
    Context(String),
    Events,
    Tickets,
    /// Which authorization servers there are, for everybody.
    Metadata,
    /// Model Context Protocol.
    Mcp,
}

impl Target {
    pub(super) fn of(path: &str) -> Option<Self> {
        if metadata::is_below(path) {
            return Some(Self::Metadata);
        }
        if path == streamable::PATH {
            return Some(Self::Mcp);
        }
        let rest = path.strip_prefix(ROOT)?.strip_prefix('/')?;
        let parts: Vec<&str> = rest.split('/').collect();
        Some(match *parts {
            ["openapi.json"] => Self::OpenApi,
            ["tools"] => Self::Tools,
            ["tools", name] => Self::Tool(decoded(name)?),
            ["tools", name, "execute"] => Self::Execute(decoded(name)?),
            ["calls", id] => Self::Call(decoded(id)?),
            ["contexts"] => Self::Contexts,
            ["contexts", "search"] => Self::ContextSearch,
            ["contexts", id] => Self::Context(decoded(id)?),
            ["events"] => Self::Events,
            ["tickets"] => Self::Tickets,
            _ => return None,
        })
    }

    /// What it is counted as.
    pub(super) const fn route(&self) -> Route {
        match self {
            Self::OpenApi => Route::OpenApi,
            Self::Tools => Route::Tools,
            Self::Tool(_) => Route::Tool,
            Self::Execute(_) => Route::Execute,
            Self::Call(_) => Route::Call,
            Self::Contexts => Route::Contexts,
            Self::ContextSearch => Route::ContextSearch,
            Self::Context(_) => Route::Context,
            Self::Events => Route::Events,
            Self::Tickets => Route::Tickets,
            Self::Metadata => Route::Metadata,
            Self::Mcp => Route::Mcp,
        }
    }

    /// Its path, as it stands in the description of the API.
    pub(super) const fn template(&self) -> &'static str {
        match self {
            Self::OpenApi => "/api/v1/openapi.json",
            Self::Tools => "/api/v1/tools",
            Self::Tool(_) => "/api/v1/tools/{tool}",
            Self::Execute(_) => "/api/v1/tools/{tool}/execute",
            Self::Call(_) => "/api/v1/calls/{id}",
            Self::Contexts => "/api/v1/contexts",
            Self::ContextSearch => "/api/v1/contexts/search",
            Self::Context(_) => "/api/v1/contexts/{id}",
            Self::Events => "/api/v1/events",
            Self::Tickets => "/api/v1/tickets",
            Self::Metadata => metadata::WELL_KNOWN,
            Self::Mcp => streamable::PATH,
        }
    }

    /// The method of a WebSocket that a request here stands for, if there is one.
    pub(super) fn asked(&self, method: &Method) -> Option<Platform> {
        Some(match (self, method) {
            (Self::Tools | Self::Tool(_), _) => Platform::ToolList,
            (Self::Execute(_), _) => Platform::ToolExecute,
            (Self::Call(_), &Method::DELETE) => Platform::ToolCancel,
            (Self::Contexts, &Method::POST) => Platform::ContextCreate,
            (Self::Contexts, _) => Platform::ContextList,
            (Self::ContextSearch, _) => Platform::ContextSearch,
            (Self::Context(_), &Method::DELETE) => Platform::ContextDelete,
            (Self::Context(_), &Method::PUT | &Method::PATCH) => Platform::ContextUpdate,
            (Self::Context(_), _) => Platform::ContextGet,
            (Self::Events, &Method::POST) => Platform::EventPublish,
            (Self::Events, _) => Platform::EventSubscribe,
            (Self::OpenApi | Self::Call(_) | Self::Tickets | Self::Metadata | Self::Mcp, _) => {
                return None;
            }
        })
    }

    /// Whether the gateway answers it itself: what a backend answers is checked where it is handed over.
    pub(super) const fn is_of_gateway(&self) -> bool {
        matches!(self, Self::OpenApi | Self::Tools | Self::Tool(_) | Self::Call(_) | Self::Events)
    }

    /// What may be asked here.
    pub(super) const fn methods(&self) -> &'static [Method] {
        match self {
            Self::OpenApi | Self::Tools | Self::Tool(_) | Self::ContextSearch | Self::Metadata => {
                &[Method::GET, Method::HEAD]
            }
            Self::Execute(_) | Self::Tickets => &[Method::POST],
            Self::Call(_) => &[Method::GET, Method::HEAD, Method::DELETE],
            Self::Mcp => &[Method::POST, Method::GET, Method::DELETE],
            Self::Contexts | Self::Events => &[Method::GET, Method::HEAD, Method::POST],
            Self::Context(_) => &[Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE],
        }
    }
}

/// A part of a path as it is meant; nobody means an empty one.
fn decoded(part: &str) -> Option<String> {
    let text = percent_decode_str(part).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

/// Characters that stand in a path as they are.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a call.
pub(super) fn call(id: impl std::fmt::Display) -> String {
    format!("{ROOT}/calls/{id}")
}

/// The path of a context.
pub(super) fn context(id: &str) -> String {
    format!("{ROOT}/contexts/{}", utf8_percent_encode(id, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_those_that_there_are() {
        let name = || "a b/c".to_owned();
        for (path, expected) in [
            ("/api/v1/tools", Some(Target::Tools)),
            ("/api/v1/tools/a%20b%2Fc", Some(Target::Tool(name()))),
            ("/api/v1/tools/a%20b%2Fc/execute", Some(Target::Execute(name()))),
            ("/api/v1/contexts/search", Some(Target::ContextSearch)),
            ("/api/v1/contexts/%ff", None),
            ("/api/v1/contexts/", None),
            ("/api/v1/tools/", None),
            ("/api/v1", None),
            ("/api/v2/tools", None),
            ("/api/v1tools", None),
            ("/api/v1/tools/a/b/execute", None),
        ] {
            assert_eq!(Target::of(path), expected, "{path}");
        }
        assert_eq!(Target::of(&context("a b/c")), Some(Target::Context(name())));
    }
}
