//! A backend whose tool tells how far it is, and then waits: to be let go, or to be cancelled.

use backend::{Backend, Call, Failure, Json, Raw, Tool};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// What all its calls share.
#[derive(Clone, Debug)]
pub(crate) struct Walks {
    permits: Arc<Semaphore>,
    cancelled: Arc<AtomicUsize>,
}

/// Counts a walk as cancelled, unless it ends.
struct Walk(Option<Arc<AtomicUsize>>);

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(cancelled) = self.0.take() {
            cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Walks {
    pub(crate) fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(0)), cancelled: Arc::default() }
    }

    /// A backend of the tools `walk` and `fail`.
    pub(crate) fn backend(&self) -> Backend {
        let walks = self.clone();
        let walk = Tool::new("walk", move |call: Call, _: Raw| {
            let walks = walks.clone();
            async move {
                let mut walk = Walk(Some(walks.cancelled));
                call.progress(1.0, 2.0, "half").await;
                walks.permits.acquire().await.expect("it is never closed").forget();
                walk.0 = None;
                Ok(Json(json!({"done": true})))
            }
        });
        let fail = Tool::new("fail", |_: Call, _: Raw| async move {
            Err::<Json<Value>, _>(Failure::new(backend::ErrorCode::InvalidParams, "name: a string is needed"))
        });
        Backend::new("walks").tool(walk).tool(fail)
    }

    /// Lets one walk end.
    pub(crate) fn let_go(&self) {
        self.permits.add_permits(1);
    }

    /// Waits until so many walks were cancelled in all.
    pub(crate) fn await_cancelled(&self, count: usize) {
        tests::until(&format!("{count} walks to be cancelled"), || {
            (self.cancelled.load(Ordering::SeqCst) == count).then_some(())
        });
    }
}
