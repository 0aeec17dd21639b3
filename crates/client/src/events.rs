//! All subscriptions of a client and how far into the log it has come. Outlives connections; does no I/O.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::event::{EventParams, Position, Subscribed, covers};
use crate::queue::Queue;
use crate::session::Welcome;
use crate::waiting::lock;
use crate::{Error, Event, Session};

#[derive(Default)]
pub(crate) struct Events {
    state: Mutex<State>,
    /// Some queue is full: nothing more is to be read from the connection.
    full: AtomicBool,
    room: Notify,
}

#[derive(Default)]
struct State {
    queues: Vec<Arc<Queue>>,
    /// Names that a caller asked for by a request of its own, without a queue.
    asked: BTreeSet<String>,
    /// The last event that was taken in, or where the log was when the first subscription was confirmed.
    position: Option<Position>,
}

/// What a new connection has to be asked for, so that it has the client's subscriptions.
pub(crate) struct Lack {
    pub(crate) missing: Vec<String>,
    /// Where the events of the missing names are to begin; with the next one if that is not set.
    pub(crate) from: Option<Position>,
}

impl Events {
    /// Adds a queue and calls `ask` before any other change: requests leave in the order of the changes.
    pub(crate) fn add<T>(&self, queue: &Arc<Queue>, ask: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        state.queues.push(Arc::clone(queue));
        ask()
    }

    /// Removes a queue and calls `ask` with the names that nobody wants any more, if there are any.
    pub(crate) fn remove(&self, queue: &Arc<Queue>, ask: impl FnOnce(Vec<String>)) {
        let mut state = self.lock();
        state.queues.retain(|other| !Arc::ptr_eq(other, queue));
        let wanted = state.wanted();
        let unwanted: Vec<_> = queue.names.iter().filter(|name| !wanted.contains(*name)).cloned().collect();
        if !unwanted.is_empty() {
            ask(unwanted);
        }
        drop(state);
        self.relieve();
    }

    /// The gateway has confirmed the subscription of this queue.
    pub(crate) fn confirmed(&self, answer: Subscribed, queue: &Arc<Queue>) {
        let mut state = self.lock();
        let after = answer.last_offset;
        let alone = state.is_idle();
        if alone && state.position.as_ref().is_some_and(|position| position.is_before(&answer)) {
            // Nobody waits for what is between.
            state.position = None;
        }
        state.start(answer);
        queue.begin(after);
    }

    /// A caller's own request has subscribed to these names.
    pub(crate) fn asked(&self, answer: Subscribed, names: Vec<String>) {
        let mut state = self.lock();
        if state.is_idle() {
            // It may have asked for a replay from anywhere.
            state.position = None;
        }
        state.asked.extend(names);
        state.start(answer);
    }

    /// A caller's own request has ended its subscriptions to these names.
    pub(crate) fn unasked(&self, names: &[String]) {
        let mut state = self.lock();
        state.asked.retain(|name| !names.contains(name));
    }

    /// Subscriptions were renewed on a session that had none. `replay` says that a position was given.
    pub(crate) fn renewed(&self, answer: Subscribed, replay: bool) {
        let mut state = self.lock();
        if replay && answer.recovered {
            return;
        }
        if replay {
            state.gap(Position { log_epoch: answer.log_epoch, last_offset: answer.last_offset });
        } else {
            state.start(answer);
        }
    }

    /// Tells every subscription of an error that concerns them all.
    pub(crate) fn fail(&self, error: &Error) {
        for queue in &self.lock().queues {
            queue.push(Err(error.clone()));
        }
    }

    /// A session was opened or resumed. Has to be called before the events that follow are taken.
    pub(crate) fn welcomed(&self, welcome: &Welcome) {
        let mut state = self.lock();
        let Session { resumed, recovered, .. } = welcome.session;
        if !resumed || welcome.subscriptions.is_empty() {
            return;
        }
        match (&state.position, welcome.position.clone()) {
            (Some(before), Some(after)) if recovered && before.log_epoch == after.log_epoch => {}
            (Some(before), Some(after)) if before.is_known() => state.gap(after),
            (_, Some(Position { log_epoch, last_offset })) => {
                state.start(Subscribed { log_epoch, last_offset, recovered });
            }
            (before, None) if !recovered => state.tell_gap(before.as_ref(), |_| true),
            _ => {}
        }
    }

    /// What the session behind this answer has too few. What it has too many is taken back by requests of its own.
    pub(crate) fn lack(&self, welcome: &Welcome) -> Lack {
        let state = self.lock();
        let wanted = state.wanted();
        let given = if welcome.session.resumed { welcome.subscriptions.as_slice() } else { &[] };
        // A prefix that is being taken back stands for nothing.
        let kept: Vec<_> = given.iter().filter(|name| wanted.contains(*name)).cloned().collect();
        let covered = |by: &[String], name: &String| by.iter().any(|pattern| covers(pattern, name));
        let missing: Vec<_> =
            state.confirmed_names().into_iter().filter(|name| !covered(&kept, name)).collect();
        let position = state.position.clone().filter(Position::is_known);
        if !given.is_empty() {
            // What comes back now is too late for a replay, which only a session without subscriptions gets.
            let lost = |name: &String| missing.contains(name) && !covered(given, name);
            state.tell_gap(position.as_ref(), |queue| queue.names.iter().any(lost));
        }
        Lack { missing, from: position.filter(|_| given.is_empty()) }
    }

    /// Keeps those of these names that somebody still wants, and calls `ask` with them, if there are any, before any
    /// other change.
    pub(crate) fn renew<T>(&self, names: &mut Vec<String>, ask: impl FnOnce(&[String]) -> T) -> Option<T> {
        let state = self.lock();
        let wanted = state.wanted();
        names.retain(|name| wanted.contains(name));
        (!names.is_empty()).then(|| ask(names))
    }

    /// `event.gap`: the events that follow stand behind this position, and some before it are missing.
    pub(crate) fn gap(&self, position: Position) {
        self.lock().gap(position);
    }

    /// Takes an event in; `false` for one that was there before.
    pub(crate) fn take(&self, offset: Option<u64>, params: &str) -> bool {
        let mut state = self.lock();
        if let Some(offset) = offset {
            let position = state.position.get_or_insert_with(Position::unknown);
            if offset <= position.last_offset {
                return false;
            }
            position.last_offset = offset;
        }
        if !state.queues.is_empty()
            && let Ok(EventParams { name, data }) = serde_json::from_str(params)
        {
            let log_epoch =
                state.position.as_ref().map(|position| position.log_epoch.clone()).unwrap_or_default();
            let event = Event { offset: offset.unwrap_or(0), log_epoch, name, data };
            for queue in state.queues.iter().filter(|queue| queue.wants(&event.name, offset)) {
                queue.push(Ok(event.clone()));
                if queue.is_full() {
                    self.full.store(true, Ordering::Release);
                }
            }
            // A reader that was faster than the store above has not seen it.
            self.reconsider(&state);
        }
        true
    }

    /// The position to resume from, if there is one.
    pub(crate) fn position(&self) -> Option<Position> {
        self.lock().position.clone().filter(Position::is_known)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Returns once every queue has room. Cancel safe.
    pub(crate) async fn room(&self) {
        while self.is_full() {
            self.room.notified().await;
        }
    }

    /// Something was read or dropped.
    pub(crate) fn relieve(&self) {
        if self.is_full() {
            self.reconsider(&self.lock());
        }
    }

    fn reconsider(&self, state: &State) {
        if self.is_full() && !state.queues.iter().any(|queue| queue.is_full()) {
            self.full.store(false, Ordering::Release);
            self.room.notify_one();
        }
    }

    /// Nothing follows; the reason is told if there is one to tell.
    pub(crate) fn end(&self, reason: Option<&Error>) {
        for queue in &self.lock().queues {
            queue.end(reason.cloned());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn wanted(&self) -> BTreeSet<String> {
        self.queues.iter().flat_map(|queue| &queue.names).chain(&self.asked).cloned().collect()
    }

    /// Whether no subscription was confirmed that is still wanted.
    fn is_idle(&self) -> bool {
        self.asked.is_empty() && !self.queues.iter().any(|queue| queue.has_begun())
    }

    /// Names whose subscription was confirmed; requests for all others are sent again by themselves.
    fn confirmed_names(&self) -> BTreeSet<String> {
        let begun = self.queues.iter().filter(|queue| queue.has_begun());
        begun.flat_map(|queue| &queue.names).chain(&self.asked).cloned().collect()
    }

    /// The gateway has said where the log is. What was taken in already counts more.
    fn start(&mut self, answer: Subscribed) {
        let Subscribed { log_epoch, last_offset, .. } = answer;
        match &mut self.position {
            None => self.position = Some(Position { log_epoch, last_offset }),
            Some(position) if !position.is_known() => {
                position.log_epoch = log_epoch;
                position.last_offset = position.last_offset.max(last_offset);
            }
            Some(position) if position.log_epoch != log_epoch => {
                self.gap(Position { log_epoch, last_offset })
            }
            Some(_) => {}
        }
    }

    fn gap(&mut self, position: Position) {
        if self.position.as_ref().is_some_and(|before| before.log_epoch != position.log_epoch) {
            for queue in &self.queues {
                queue.begin_anew();
            }
        }
        self.tell_gap(Some(&position), |_| true);
        self.position = Some(position);
    }

    /// Tells subscriptions that have begun; others have nothing to miss.
    fn tell_gap(&self, position: Option<&Position>, concerns: impl Fn(&Queue) -> bool) {
        let Position { log_epoch, last_offset } = position.cloned().unwrap_or_else(Position::unknown);
        for queue in self.queues.iter().filter(|queue| queue.has_begun() && concerns(queue)) {
            queue.push(Err(Error::Gap { log_epoch: log_epoch.clone(), last_offset }));
        }
    }
}

/// The names in the params of `event.subscribe` or `event.unsubscribe`.
pub(crate) fn names(params: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Params {
        names: Vec<String>,
    }
    serde_json::from_str::<Params>(params).map(|params| params.names).unwrap_or_default()
}

/// What an answer to `event.subscribe` says.
pub(crate) fn subscribed(answer: &RawValue) -> Result<Subscribed, Error> {
    serde_json::from_str(answer.get())
        .map_err(|error| Error::Protocol(format!("the answer to event.subscribe is not understood: {error}")))
}
