//! Why a token was not accepted: a name for us, words for the client. It refuses to know the token.

/// Why a token was refused. Its `Display` text may be shown to the client: it says what the holder of a real token
/// needs, and the same for every failure on the way to a valid signature, so that nobody can ask which keys exist.
/// Logs and metrics use [`Refusal::name`], which tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// There is no token.
    #[error("a token is needed")]
    Missing,
    /// The token is longer than the limit.
    #[error("the token is too long")]
    TooLarge,
    /// Not the parts that it should have, or no JSON objects in them.
    #[error("the token is malformed")]
    Malformed,
    /// No configured key is meant by the header.
    #[error("the token's signature can't be verified")]
    UnknownKey,
    /// The header names another algorithm than the key's, or one that is never accepted.
    #[error("the token's signature can't be verified")]
    WrongAlgorithm,
    /// The signature is not the key's.
    #[error("the token's signature can't be verified")]
    BadSignature,
    /// No API key, or none that is known: which of both is not told.
    #[error("the API key is not accepted")]
    UnknownApiKey,
    /// It was revoked before its time. Who verifies does not know; whoever asked does.
    #[error("the token was revoked")]
    Revoked,
    /// The header or the footer brings or points to a key of its own: `jku`, `jwk`, `x5u`, `x5c` or `wpk`.
    #[error("the token's header must not bring a key")]
    EmbeddedKey,
    /// The header has `crit`: no extension is understood here.
    #[error("the token's header asks for an extension that is not supported")]
    UnknownCritical,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is missing or another.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` is missing or does not hold ours.
    #[error("the token is for another audience")]
    WrongAudience,
    /// It stands in the URL. It was not looked at.
    #[error(
        "a token must not stand in a URL, which logs keep: send it in the header Authorization, or to open a WebSocket as \
         the subprotocol mcpw.bearer.<token>, or take a ticket for it"
    )]
    InUrl,
    /// A ticket where none is taken.
    #[error(
        "a ticket opens a WebSocket alone, without a token beside it, and only where auth.tickets.enabled is set"
    )]
    MisplacedTicket,
    /// No ticket, or none that is kept: which of both is not told.
    #[error("the ticket is not accepted: it was used, has run out, or was never given out")]
    UnknownTicket,
    /// The client's certificate is another's, or nobody's.
    #[error("the token is not of the agent whose certificate was shown")]
    WrongHolder,
    /// The named claim is missing, of the wrong type or out of its bounds.
    #[error("the token's claim {0} is missing or invalid")]
    BadClaim(&'static str),
}

impl Refusal {
    /// The value of `WWW-Authenticate` for the 401 (RFC 6750 section 3).
    pub fn challenge(&self) -> String {
        match self {
            Self::Missing => r#"Bearer realm="mcpw""#.to_owned(),
            _ => format!(r#"Bearer realm="mcpw", error="invalid_token", error_description="{self}""#),
        }
    }

    /// The name used as a metric label and in logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::BadSignature => "bad_signature",
            Self::UnknownApiKey => "unknown_api_key",
            Self::Revoked => "revoked",
            Self::EmbeddedKey => "embedded_key",
            Self::UnknownCritical => "unknown_critical",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::InUrl => "in_url",
            Self::MisplacedTicket => "misplaced_ticket",
            Self::UnknownTicket => "unknown_ticket",
            Self::WrongHolder => "wrong_holder",
            Self::BadClaim(_) => "bad_claim",
        }
    }
}
