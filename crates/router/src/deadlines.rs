//! The one timer of a shard's calls: deadlines, and retries that wait. It sleeps while there is none.
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::answer::Verdict;
use crate::core::Core;
use crate::{Event, Failure};

/// When the timer's task will next look.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    planned: Cell<Option<Instant>>,
    sooner: Notify,
    task: RefCell<Option<AbortHandle>>,
}

impl Timer {
    /// Something is due at `at`.
    pub(crate) fn expect(&self, at: Instant) {
        if self.planned.get().is_none_or(|planned| at < planned) {
            self.planned.set(Some(at));
            self.sooner.notify_one();
        }
    }

    /// Starts the task.
    pub(crate) fn run(core: &Rc<Core>) {
        let task = tokio::task::spawn_local(watch(Rc::downgrade(core), Rc::clone(&core.timer)));
        *core.timer.task.borrow_mut() = Some(task.abort_handle());
    }

    pub(crate) fn stop(&self) {
        if let Some(task) = self.task.borrow_mut().take() {
            task.abort();
        }
    }
}

async fn watch(core: Weak<Core>, timer: Rc<Timer>) {
    loop {
        match timer.planned.get() {
            None => timer.sooner.notified().await,
            Some(at) => tokio::select! {
                biased;
                () = sleep_until(at) => {
                    let Some(core) = core.upgrade() else { return };
                    core.expire();
                    timer.planned.set(core.calls.borrow().next_due());
                }
                () = timer.sooner.notified() => {}
            },
        }
    }
}

impl Core {
    /// Ends the calls whose deadline has come, and sends those that waited for a retry.
    fn expire(self: &Rc<Self>) {
        let now = Instant::now();
        let due = self.calls.borrow_mut().due(now);
        for key in due {
            let mut calls = self.calls.borrow_mut();
            // A sink that heard of an earlier one may have ended this one.
            let Some((place, call)) = calls.by_key(key) else {
                continue;
            };
            if call.link.is_none() && now < call.deadline {
                drop(calls);
                self.retry(place, key, now);
                continue;
            }
            let call = calls.remove(place);
            drop(calls);
            self.withdraw(&call);
            let verdict = if call.patient { Verdict::Failure } else { Verdict::Neutral };
            self.release(&call, verdict);
            self.count(|stats| stats.expired += 1);
            let failure = Failure::late(&call.handler.backend, call.timeout_ms);
            call.sink.deliver(call.tag, Event::Failed(failure));
        }
    }
}
