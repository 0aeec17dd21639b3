//! The one place that starts tasks: each client is a single task, and each handshake another one that ends with it.

use std::future::Future;

#[expect(clippy::disallowed_methods, reason = "the client's tasks are started here and nowhere else")]
pub(crate) fn start(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}
