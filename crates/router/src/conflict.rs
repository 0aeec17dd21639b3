//! What a directory offered and the table could not take.
use std::fmt;

/// A handler, or a whole replica, that was left out of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The backend that offered it.
    pub backend: String,
    /// The tool's name or the method's pattern; empty if the whole replica was left out.
    pub handler: String,
    /// Why.
    pub reason: Reason,
}

/// Why something was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A backend that was known earlier, or whose own tool it is, has a handler of this name.
    Taken {
        /// The backend that keeps it.
        owner: String,
        /// Whether it is a tool of a server behind the backend.
        bridged: bool,
    },
    /// The name, or a schema, breaks a rule; the sentence says which.
    Invalid(String),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, handler, reason } = self;
        match reason {
            Reason::Taken { owner, .. } => {
                write!(f, "{handler} of backend {backend} is left out: backend {owner} has it")
            }
            Reason::Invalid(why) => write!(f, "backend {backend}: {why}"),
        }
    }
}
