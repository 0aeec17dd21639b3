//! A handler for methods of its own, by name or prefix.
use std::fmt;
use std::time::Duration;

use protocol::pb;

use crate::handlers::{Run, erase};
use crate::tool::milliseconds;
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

    /// The methods change nothing: they may be run again without harm.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.annotations().read_only = true;
        self
    }

    /// Running a method twice with the same params is the same as running it once.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.annotations().idempotent = true;
        self
    }

    /// The methods may destroy something that cannot be brought back.
    #[must_use]
    pub fn destructive(mut self) -> Self {
        self.annotations().destructive = true;
        self
    }

    /// The caller's token must hold this scope too.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.declared.scopes.push(scope.into());
        self
    }

    /// The deadline where the caller names none, in whole milliseconds. Default: the gateway's own.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.declared.timeout_ms = milliseconds(timeout);
        self
    }

    fn annotations(&mut self) -> &mut pb::Annotations {
        self.declared.annotations.get_or_insert_default()
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("pattern", &self.declared.pattern).finish_non_exhaustive()
    }
}
