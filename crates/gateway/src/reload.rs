//! The wish that files be read or opened again, as SIGHUP brings it.

use std::sync::Arc;
use tokio::sync::Notify;

/// Asks that files be looked at now.
#[derive(Clone, Debug, Default)]
pub struct Reload {
    certificates: Arc<Notify>,
    audit: Arc<Notify>,
}

impl Reload {
    /// Has certificates and keys read again, also if nothing seems to have changed, and the audit log opened again.
    pub fn ask(&self) {
        self.certificates.notify_one();
        self.audit.notify_one();
    }

    /// Done when certificates and keys are to be read again. Cancel safe.
    pub(crate) async fn certificates(&self) {
        self.certificates.notified().await;
    }

    /// Done when the audit log is to be opened again. Cancel safe.
    pub(crate) async fn audit(&self) {
        self.audit.notified().await;
    }
}
