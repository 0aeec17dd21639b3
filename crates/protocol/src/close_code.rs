//! Why a connection ended: RFC 6455 section 7.4, and the gateway's own 4400s.

/// The code of a close frame that the gateway sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The purpose was fulfilled.
    Normal = 1000,
    /// The endpoint goes away.
    GoingAway = 1001,
    /// The peer broke the framing rules.
    ProtocolError = 1002,
    /// A kind of frame that the subprotocol does not have.
    Unsupported = 1003,
    /// Text that is not UTF-8.
    InvalidPayload = 1007,
    /// The peer broke a rule that has no code of its own.
    PolicyViolation = 1008,
    /// A message over the size limit.
    TooBig = 1009,
    /// The gateway failed.
    Internal = 1011,
    /// The pod drains; the reason holds a delay in milliseconds after which to reconnect.
    Restart = 1012,
    /// The pod is overloaded; reconnect later.
    Overloaded = 1013,
    /// The token is missing, invalid or expired.
    Unauthorized = 4401,
    /// The session goes on elsewhere.
    TakenOver = 4409,
    /// The client floods.
    Flooding = 4429,
}

impl CloseCode {
    /// Every code that the gateway sends, in order.
    pub const ALL: [Self; 13] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::Unsupported,
        Self::InvalidPayload,
        Self::PolicyViolation,
        Self::TooBig,
        Self::Internal,
        Self::Restart,
        Self::Overloaded,
        Self::Unauthorized,
        Self::TakenOver,
        Self::Flooding,
    ];

    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        self as u16
    }

    /// Whether a peer may send this code: RFC 6455 sections 7.4.1 and 7.4.2, and the registry's 1012 to 1014.
    pub const fn may_be_received(code: u16) -> bool {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// The name used as a metric label and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::GoingAway => "going_away",
            Self::ProtocolError => "protocol_error",
            Self::Unsupported => "unsupported",
            Self::InvalidPayload => "invalid_payload",
            Self::PolicyViolation => "policy_violation",
            Self::TooBig => "too_big",
            Self::Internal => "internal",
            Self::Restart => "restart",
            Self::Overloaded => "overloaded",
            Self::Unauthorized => "unauthorized",
            Self::TakenOver => "taken_over",
            Self::Flooding => "flooding",
        }
    }
}
