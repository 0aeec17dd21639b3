//! What an author promises of a tool or a method, and asks of its callers. Both are declared alike.

macro_rules! promises {
    ($declaration:ident) => {
        impl $declaration {
            /// It changes nothing: it may be run again without harm.
            #[must_use]
            pub fn read_only(mut self) -> Self {
                self.annotations().read_only = true;
                self
            }

            /// Running it twice with the same params is the same as running it once.
            #[must_use]
            pub fn idempotent(mut self) -> Self {
                self.annotations().idempotent = true;
                self
            }

            /// It may destroy something that cannot be brought back.
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
            pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.declared.timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
                self
            }

            fn annotations(&mut self) -> &mut protocol::pb::Annotations {
                self.declared.annotations.get_or_insert_default()
            }
        }
    };
}

pub(crate) use promises;
