//! Calls that outlive the stream which brought them: when a gateway has died, another finds them by their keys.
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::ErrorCode;
use protocol::pb::{CallEvent, CallRequest, call_event::Event};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::events::Outgoing;
use crate::{Failure, tasks};

/// As many calls that have ended are remembered, and about as many bytes of their ends; the oldest are forgotten first.
const ENDED: usize = 10_000;
const BYTES: usize = 64 << 20;

/// What a call is found by: its tenant, its agent and its key.
type Key = (String, String, String);

pub(crate) struct Memory {
    grace: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: HashMap<Key, Arc<Remembered>>,
    /// Those that have ended, and until when they are remembered, oldest first.
    ended: VecDeque<(Instant, Key, usize)>,
    bytes: usize,
}

/// A call that runs, or has ended a while ago.
pub(crate) struct Remembered {
    key: Key,
    cancel: CancellationToken,
    /// Fires at its end.
    over: CancellationToken,
    way: Mutex<Way>,
}

/// Where the events of a call go: the latest who asks for it hears of it.
struct Way {
    call_id: u64,
    outgoing: mpsc::Sender<Outgoing>,
    end: Option<Event>,
}

impl Memory {
    /// Calls go on for so long without a stream, and are remembered for so long after their end.
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, state: Mutex::default() }
    }

    /// A call that begins; `None` if it has no key, or one that is known.
    pub(crate) fn begin(
        &self,
        request: &CallRequest,
        cancel: &CancellationToken,
        outgoing: &mpsc::Sender<Outgoing>,
    ) -> Option<Arc<Remembered>> {
        let key = key_of(request)?;
        let mut state = lock(&self.state);
        state.sweep();
        if state.calls.contains_key(&key) {
            return None;
        }
        let way = Way { call_id: request.call_id, outgoing: outgoing.clone(), end: None };
        let call = Arc::new(Remembered {
            key: key.clone(),
            cancel: cancel.clone(),
            over: CancellationToken::new(),
            way: Mutex::new(way),
        });
        state.calls.insert(key, Arc::clone(&call));
        Some(call)
    }

    /// The call of this request's key, whose events go to whoever asks now.
    pub(crate) async fn join(
        &self,
        request: &CallRequest,
        outgoing: &mpsc::Sender<Outgoing>,
    ) -> Option<Arc<Remembered>> {
        let key = key_of(request)?;
        let call = lock(&self.state).calls.get(&key).cloned()?;
        let end = {
            let mut way = lock(&call.way);
            (way.call_id, way.outgoing) = (request.call_id, outgoing.clone());
            way.end.clone()
        };
        if end.is_some() {
            let event = CallEvent { call_id: request.call_id, event: end };
            // Whoever has asked may be gone.
            let _ = outgoing.send(Outgoing::Event(event)).await;
        }
        Some(call)
    }

    /// The stream that this call's events went to is gone: it is cancelled if nobody joins it.
    pub(crate) fn orphan(&self, call: Arc<Remembered>) {
        let grace = self.grace;
        tasks::spawn(async move {
            tokio::time::sleep(grace).await;
            let is_alone = lock(&call.way).outgoing.is_closed();
            if is_alone {
                call.cancel.cancel();
            }
        });
    }

    /// It has ended, and is remembered for a while.
    pub(crate) fn ended(&self, call: &Remembered) {
        let bytes = match &lock(&call.way).end {
            Some(Event::Result(result)) => result.len(),
            _ => 0,
        };
        call.over.cancel();
        let mut state = lock(&self.state);
        state.bytes += bytes;
        state.ended.push_back((Instant::now() + self.grace, call.key.clone(), bytes));
        state.sweep();
    }
}

impl State {
    /// Forgets what is over, and what is too much.
    fn sweep(&mut self) {
        let now = Instant::now();
        while self.ended.len() > ENDED
            || self.bytes > BYTES
            || self.ended.front().is_some_and(|(until, ..)| *until <= now)
        {
            let Some((_, key, bytes)) = self.ended.pop_front() else { return };
            self.bytes -= bytes;
            self.calls.remove(&key);
        }
    }
}

impl Remembered {
    /// Where an event goes now; the last one is kept for whoever comes later.
    pub(crate) fn way(&self, event: &Event) -> (u64, mpsc::Sender<Outgoing>) {
        let mut way = lock(&self.way);
        if matches!(event, Event::Result(_) | Event::Error(_)) {
            way.end = Some(event.clone());
        }
        (way.call_id, way.outgoing.clone())
    }

    pub(crate) fn cancel_token(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Ready once it has ended. Cancel safe.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }
}

/// What is told of a call that is not remembered.
pub(crate) fn unknown() -> Failure {
    Failure::new(
        ErrorCode::OutcomeUnknown,
        "the outcome is unknown: this replica does not know the call; it may or may not have been executed",
    )
}

fn key_of(request: &CallRequest) -> Option<Key> {
    let identity = request.identity.clone().unwrap_or_default();
    let key = request.idempotency_key.clone();
    (!key.is_empty()).then_some((identity.tenant, identity.agent, key))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
