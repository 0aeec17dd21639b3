//! What comes back from a server.

/// For a request that is under way.
#[derive(Debug)]
pub(crate) enum Event {
    /// A notification, raw.
    Note { method: String, params: String },
    /// The server asks its client for something.
    Asked(Asked),
}

/// A request of the server's.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Raw.
    pub(crate) id: String,
    pub(crate) method: String,
    /// Raw, or "".
    pub(crate) params: String,
}

/// How a request ends.
#[derive(Debug)]
pub(crate) enum Ending {
    /// A raw object.
    Result(String),
    /// A raw error object.
    Error(String),
    /// There is no answer, and there will be none.
    Lost(Lost),
}

/// Why the server can't answer any more.
#[derive(Clone, Debug)]
pub(crate) struct Lost(pub(crate) String);

/// For nobody in particular.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    /// What the server offers is not the same any more.
    Changed,
    /// Raw params of a notification that a resource is another one.
    Updated(String),
}
