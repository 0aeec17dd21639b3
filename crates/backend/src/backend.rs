//! A backend before it is served: a name and its handlers.
use std::time::Duration;

use crate::handlers::Handlers;
use crate::{Error, Handler, Mcp, Running, Serve, Tool, running};

/// A backend: a name, tools and methods. [`Backend::serve`] makes it run.
#[derive(Debug)]
pub struct Backend {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) tools: Vec<Tool>,
    pub(crate) methods: Vec<Handler>,
    pub(crate) mcp: Option<Mcp>,
    pub(crate) remembers: Option<Duration>,
}

impl Backend {
    /// A backend of this name, 1 to 64 of `[a-z0-9-]`. Replicas share the name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: String::new(),
            tools: Vec::new(),
            methods: Vec::new(),
            mcp: None,
            remembers: None,
        }
    }

    /// The name that it was made with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another name.
    #[must_use]
    pub fn renamed(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The version shown to operators.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Adds a handler for a method of its own or for a prefix.
    #[must_use]
    pub fn method(mut self, handler: Handler) -> Self {
        self.methods.push(handler);
        self
    }

    /// Says that it stands for servers of Model Context Protocol.
    #[must_use]
    pub fn mcp(mut self, mcp: Mcp) -> Self {
        self.mcp = Some(mcp);
        self
    }

    /// Lets calls go on for so long when the gateway that sent them is gone, and remembers their ends for so long: a gateway
    /// that goes on with its sessions gets them, so that a call survives its gateway and is executed once. Only the replica
    /// that runs a call knows it.
    #[must_use]
    pub fn remember(mut self, grace: Duration) -> Self {
        self.remembers = Some(grace);
        self
    }

    /// Listens, serves and stays registered until the handle is shut down or dropped. Needs a tokio runtime
    /// with time and I/O.
    ///
    /// # Errors
    /// A name is invalid or was given twice, an option is out of its range, or the address can't be bound. A
    /// gateway that can't be reached is no error: registering is tried for as long as the backend runs.
    pub async fn serve(self, options: Serve) -> Result<Running, Error> {
        options.check()?;
        let remembers = self.remembers;
        running::start(Handlers::new(self)?, remembers, options).await
    }
}
