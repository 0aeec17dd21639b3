//! Work that blocks: on its own threads, bounded in number, stopped with its call.
use std::sync::Arc;

use backend::{Call, Failure};
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(crate) struct Work(Arc<Semaphore>);

impl Work {
    pub(crate) fn new(concurrent: usize) -> Self {
        Self(Arc::new(Semaphore::new(concurrent.min(Semaphore::MAX_PERMITS))))
    }

    /// Does the work on a blocking thread when it is its turn. The work itself must look at the call for a
    /// cancel: the thread goes on when this future is dropped, and keeps its turn until it ends.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = self.0.clone().acquire_owned().await.map_err(Failure::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(Failure::internal)?
    }
}

/// Ends work whose call was cancelled. Nobody will see the failure.
pub(crate) fn go_on(call: &Call) -> Result<(), Failure> {
    if call.is_cancelled() {
        return Err(Failure::new(backend::ErrorCode::Cancelled, "the call was cancelled"));
    }
    Ok(())
}

/// Logs a call whose handler was dropped before its end.
pub(crate) struct Unfinished(Option<Call>);

impl Unfinished {
    pub(crate) fn new(call: &Call) -> Self {
        Self(Some(call.clone()))
    }

    pub(crate) fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(call) = &self.0 {
            tracing::info!(tool = call.tool(), session = call.session_id(), "call cancelled");
        }
    }
}
