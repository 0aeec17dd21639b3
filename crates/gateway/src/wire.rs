//! The subprotocols of the endpoint.

use protocol::Format;

/// How messages of a connection are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `mcp.v1`: JSON text.
    Json,
    /// `mcp.v1.binary`: a 24-byte header, then JSON.
    Binary,
    /// No subprotocol: every message is echoed as it came. For conformance tests.
    Echo,
}

impl Wire {
    /// The wire of a subprotocol's name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "mcp.v1" => Some(Self::Json),
            "mcp.v1.binary" => Some(Self::Binary),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "mcp.v1",
            Self::Binary => "mcp.v1.binary",
            Self::Echo => "",
        }
    }

    pub(crate) const fn format(self) -> Format {
        match self {
            Self::Json | Self::Echo => Format::Json,
            Self::Binary => Format::Binary,
        }
    }
}
