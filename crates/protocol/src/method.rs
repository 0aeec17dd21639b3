//! The methods that have a number of their own in `mcp.v1.binary`.

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// A method that the platform knows by name and number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Method { $($(#[$doc])* $variant = $code,)* }

        impl Method {
            /// Every method, by rising number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The method of this number.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The method of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The name on the wire of `mcp.v1`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

methods! {
    /// Opens a session.
    Initialize = 1 "initialize",
    /// Lists the tools that the caller may execute.
    ToolList = 2 "tool.list",
    /// Executes a tool at a backend.
    ToolExecute = 3 "tool.execute",
    /// Reads a context.
    ContextGet = 4 "context.get",
    /// Changes a context.
    ContextUpdate = 5 "context.update",
    /// Subscribes to events by name or prefix.
    EventSubscribe = 6 "event.subscribe",
    /// Cancels a running call.
    ToolCancel = 7 "tool.cancel",
    /// Makes a context.
    ContextCreate = 8 "context.create",
    /// Deletes a context.
    ContextDelete = 9 "context.delete",
    /// Lists contexts.
    ContextList = 10 "context.list",
    /// Searches contexts.
    ContextSearch = 11 "context.search",
    /// Ends subscriptions.
    EventUnsubscribe = 12 "event.unsubscribe",
    /// Publishes an event.
    EventPublish = 13 "event.publish",
    /// Brings a fresh token for the connection.
    SessionRefresh = 14 "session.refresh",
    /// Answers its params.
    Echo = 15 "echo",
    /// Ends the session and the connection.
    SessionClose = 16 "session.close",
    /// Notification: how far a call is.
    ToolProgress = 17 "tool.progress",
    /// Notification: the pod drains, go on elsewhere.
    SessionMigrate = 18 "session.migrate",
    /// Notification: an event of the tenant's log.
    Event = 19 "event",
    /// Notification: events are missing before the position that it names.
    EventGap = 20 "event.gap",
    /// Notification: the session has become resumable, or is no longer.
    SessionChanged = 21 "session.changed",
}

impl Method {
    /// The number on the wire of `mcp.v1.binary`.
    pub const fn code(self) -> u16 {
        self as u16
    }
}
