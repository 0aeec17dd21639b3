//! The one reader that waits for something, and the lock behind which it is left. Knows not for what.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// Who is woken; the latest that asked.
#[derive(Default)]
pub(crate) struct Waiting(Option<Waker>);

impl Waiting {
    pub(crate) fn watch(&mut self, context: &Context<'_>) {
        self.0 = Some(context.waker().clone());
    }

    pub(crate) fn wake(&mut self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

/// What is behind it, also after a panic of somebody else's: no change of it is left half made.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
