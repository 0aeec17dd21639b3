//! The one place that starts tasks.
use tokio::task::JoinHandle;

#[expect(clippy::disallowed_methods, reason = "this is the module that owns tasks")]
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(future)
}
