//! The one place that starts tasks of the control plane. A task ends with the set that owns it.

use std::future::Future;
use tokio::task::JoinSet;

/// The control plane's tasks; dropping it ends them.
#[derive(Debug, Default)]
pub(crate) struct Tasks(JoinSet<()>);

impl Tasks {
    /// Starts a task that lives as long as this set.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
        while self.0.try_join_next().is_some() {}
    }
}
