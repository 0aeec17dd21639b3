//! The one place that starts tasks.
use tokio::task::{AbortHandle, JoinHandle};

#[expect(clippy::disallowed_methods, reason = "this is the module that owns tasks")]
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(future)
}

/// A task that ends with this.
#[derive(Debug)]
pub(crate) struct Owned(AbortHandle);

impl Owned {
    pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(spawn(future).abort_handle())
    }

    /// Ends it before.
    pub(crate) fn end(&self) {
        self.0.abort();
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.end();
    }
}
