//! What a holder may do: the rules of authorization and the scopes of its token, asked in one place.

use auth::{Denial, Identity, Permit};
use router::{Handler, Kind};
use std::fmt;

/// Whoever asks, and what the rules say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) permit: &'a Permit,
}

/// Why something may not be done, in the words that whoever asked is told.
#[derive(Debug)]
pub(crate) enum Forbidden<'a> {
    /// The token lacks this scope.
    Scope(&'a str),
    /// The rules forbid it.
    Rules(Denial),
}

impl fmt::Display for Forbidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => write!(f, "the token lacks the scope {scope:?}, which this call needs"),
            Self::Rules(denial) => denial.fmt(f),
        }
    }
}

impl<'a> Access<'a> {
    /// Whether this handler may be called. A method's own name was asked for before.
    pub(crate) fn to(self, handler: &'a Handler) -> Result<(), Forbidden<'a>> {
        if handler.kind == Kind::Tool {
            self.permit.check_tool(&handler.name).map_err(Forbidden::Rules)?;
        }
        let missing = handler.scopes.iter().find(|scope| !self.identity.has_scope(scope));
        missing.map_or(Ok(()), |scope| Err(Forbidden::Scope(scope)))
    }
}
