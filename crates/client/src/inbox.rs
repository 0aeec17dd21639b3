//! Where one call's answer arrives: its updates in order, then its outcome. Knows nothing of connections.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll};

use serde_json::value::RawValue;

use crate::waiting::{Waiting, lock};
use crate::{Error, Update};

/// What one entry costs beside its text, so that endless tiny updates meet the bound too.
const OVERHEAD: usize = 64;
/// As many reports of progress wait unread; a newer one then replaces the newest.
const PROGRESS_KEPT: usize = 64;

pub(crate) type Outcome = Result<Box<RawValue>, Error>;

pub(crate) struct Inbox {
    state: Mutex<State>,
    limit: usize,
}

struct State {
    updates: VecDeque<Update>,
    bytes: usize,
    wanted: bool,
    outcome: Option<Outcome>,
    settled: bool,
    reader: Waiting,
}

impl Inbox {
    /// An empty inbox that holds up to `limit` bytes of unread updates.
    pub(crate) fn new(limit: usize) -> Self {
        let state = State {
            updates: VecDeque::new(),
            bytes: 0,
            wanted: true,
            outcome: None,
            settled: false,
            reader: Waiting::default(),
        };
        Self { state: Mutex::new(state), limit }
    }

    /// Adds an update; `false` if the reader is so late that the call has to end.
    pub(crate) fn push(&self, update: Update) -> bool {
        let mut state = self.lock();
        if !state.wanted || state.settled {
            return true;
        }
        if matches!(update, Update::Progress(_))
            && state.updates.len() >= PROGRESS_KEPT
            && let Some(last @ Update::Progress(_)) = state.updates.back_mut()
        {
            *last = update;
            return true;
        }
        state.bytes += weight(&update);
        if state.bytes > self.limit {
            return false;
        }
        state.updates.push_back(update);
        state.reader.wake();
        true
    }

    /// The call has ended; the first outcome counts.
    pub(crate) fn settle(&self, outcome: Outcome) {
        let mut state = self.lock();
        if !state.settled {
            state.settled = true;
            state.outcome = Some(outcome);
            state.reader.wake();
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.lock().settled
    }

    /// Updates are thrown away from now on.
    pub(crate) fn ignore_updates(&self) {
        let mut state = self.lock();
        state.wanted = false;
        state.updates = VecDeque::new();
        state.bytes = 0;
    }

    /// The next update; `None` once the outcome is there.
    pub(crate) fn poll_update(&self, context: &Context<'_>) -> Poll<Option<Update>> {
        let mut state = self.lock();
        if let Some(update) = state.updates.pop_front() {
            state.bytes -= weight(&update);
            return Poll::Ready(Some(update));
        }
        if state.settled {
            return Poll::Ready(None);
        }
        state.reader.watch(context);
        Poll::Pending
    }

    /// Waits for the outcome. Cancel safe.
    pub(crate) async fn outcome(&self) -> Outcome {
        std::future::poll_fn(|context| self.poll_outcome(context)).await
    }

    /// The outcome, which is handed out once.
    pub(crate) fn poll_outcome(&self, context: &Context<'_>) -> Poll<Outcome> {
        let mut state = self.lock();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(outcome);
        }
        state.reader.watch(context);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn weight(update: &Update) -> usize {
    OVERHEAD
        + match update {
            Update::Progress(progress) => progress.message.as_ref().map_or(0, String::len),
            Update::Partial(part) => part.get().len(),
        }
}
