//! The subprotocols of the endpoint.

use protocol::Format;

/// How messages of a connection are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `mcp.v1`: JSON text.
    Json,
    /// `mcp.v1.binary`: a 24-byte header, then JSON.
    Binary,
    /// `mcp`: JSON-RPC of Model Context Protocol.
    Mcp,
    /// Nothing was asked for: the first message shows whether it is `mcp.v1` or `mcp`.
    Undecided,
    /// No subprotocol: every message is echoed as it came. For conformance tests.
    Echo,
}

impl Wire {
    /// The wire of a subprotocol's name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "mcp.v1" => Some(Self::Json),
            "mcp.v1.binary" => Some(Self::Binary),
            "mcp" => Some(Self::Mcp),
            // Of clients that name the version too; what counts is what `initialize` or each request says.
            _ => name.strip_prefix("mcp.version.").filter(|version| !version.is_empty()).map(|_| Self::Mcp),
        }
    }

    /// What it is called where connections are listed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json | Self::Undecided => "mcp.v1",
            Self::Binary => "mcp.v1.binary",
            Self::Mcp => "mcp",
            Self::Echo => "",
        }
    }

    /// What a first message in this wire makes of it.
    pub(crate) fn decided(self, first: &str) -> Self {
        match self {
            Self::Undecided if crate::mcp::is_spoken(first) => Self::Mcp,
            Self::Undecided => Self::Json,
            decided => decided,
        }
    }

    pub(crate) const fn format(self) -> Format {
        match self {
            Self::Json | Self::Mcp | Self::Undecided | Self::Echo => Format::Json,
            Self::Binary => Format::Binary,
        }
    }
}
