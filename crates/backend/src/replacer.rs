//! What a backend offers, changed while it runs.
use std::fmt;
use std::sync::Arc;

use crate::handlers::Handlers;
use crate::health::Health;
use crate::service::Shared;
use crate::{Backend, Error};

/// Changes what a running backend offers. Cheap to clone.
#[derive(Clone)]
pub struct Replacer {
    shared: Arc<Shared>,
    health: Health,
}

impl Replacer {
    pub(crate) fn new(shared: Arc<Shared>, health: Health) -> Self {
        Self { shared, health }
    }

    /// The backend has other tools and methods from now on; whoever watches its health asks what they are. Calls that run go on.
    /// The name stays that of the start, whatever this one says.
    ///
    /// # Errors
    /// As [`Backend::serve`]: a name is invalid or was given twice. Then nothing has changed.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the change may not have been told yet.
    pub async fn replace(&self, backend: Backend) -> Result<(), Error> {
        let name = self.shared.handlers.load().description.name.clone();
        self.shared.handlers.store(Arc::new(Handlers::new(backend.renamed(name))?));
        // One that shuts down says nothing of itself any more.
        if !self.shared.drain.is_cancelled() {
            self.health.serving().await;
        }
        Ok(())
    }
}

impl fmt::Debug for Replacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replacer").finish_non_exhaustive()
    }
}
