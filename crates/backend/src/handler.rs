//! A handler for methods of its own, by name or prefix.
use std::fmt;

use protocol::pb;

use crate::handlers::{Run, erase};
use crate::promises::promises;
use crate::{Answer, Call, Failure, Params};

/// A method, or all methods of a prefix, and the function that answers them.
pub struct Handler {
    pub(crate) declared: pb::Method,
    pub(crate) run: Run,
}

impl Handler {
    /// A handler for a method (`workflow.start`) or a prefix (`workflow.*`). Where several fit, the exact name
    /// goes first, then the longest prefix. The future is dropped when the call is cancelled; it must not
    /// block its thread.
    pub fn new<A, R, F, Fut>(pattern: impl Into<String>, answer: F) -> Self
    where
        A: Params,
        R: Answer,
        F: Fn(Call, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let declared = pb::Method {
            pattern: pattern.into(),
            annotations: Some(pb::Annotations::default()),
            ..pb::Method::default()
        };
        Self { declared, run: erase(answer) }
    }
}

promises!(Handler);

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("pattern", &self.declared.pattern).finish_non_exhaustive()
    }
}
