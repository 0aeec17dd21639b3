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
    /// Fires when the backend ends, and all calls with it.
    stop: CancellationToken,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: HashMap<Key, Arc<Remembered>>,
    /// Those that have ended, and until when they are remembered, oldest first.
    ended: VecDeque<(Instant, Arc<Remembered>, usize)>,
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
    /// Calls go on for so long without a stream, and are remembered for so long after their end; none goes on once `stop` fires.
    pub(crate) fn new(grace: Duration, stop: CancellationToken) -> Self {
        Self { grace, stop, state: Mutex::default() }
    }

    /// A call that begins; `None` if it has no key, or that of one that runs.
    pub(crate) fn begin(
        &self,
        request: &CallRequest,
        cancel: &CancellationToken,
        outgoing: &mpsc::Sender<Outgoing>,
    ) -> Option<Arc<Remembered>> {
        let key = key_of(request)?;
        let mut state = lock(&self.state);
        state.sweep();
        if state.calls.get(&key).is_some_and(|known| !known.over.is_cancelled()) {
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

    /// The call of this request's key.
    pub(crate) fn find(&self, request: &CallRequest) -> Option<Arc<Remembered>> {
        let key = key_of(request)?;
        lock(&self.state).calls.get(&key).cloned()
    }

    /// This stream is gone: a call whose events went to it is cancelled if nobody joins it.
    pub(crate) fn orphan(&self, call: Arc<Remembered>, lost: mpsc::Sender<Outgoing>) {
        let (grace, stop) = (self.grace, self.stop.clone());
        tasks::spawn(async move {
            tokio::select! {
                () = call.over() => return,
                () = stop.cancelled() => {}
                () = tokio::time::sleep(grace) => {}
            }
            call.cancel(&lost);
        });
    }

    /// It has ended, and is remembered for a while.
    pub(crate) fn ended(&self, call: Arc<Remembered>) {
        let bytes = match &lock(&call.way).end {
            Some(Event::Result(result)) => result.len(),
            Some(Event::Error(error)) => error.message.len() + error.details.len(),
            _ => 0,
        };
        call.over.cancel();
        let mut state = lock(&self.state);
        state.bytes += bytes;
        state.ended.push_back((Instant::now() + self.grace, call, bytes));
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
            let Some((_, call, bytes)) = self.ended.pop_front() else { return };
            self.bytes -= bytes;
            // A later one may have its key by now.
            if self.calls.get(&call.key).is_some_and(|known| Arc::ptr_eq(known, &call)) {
                self.calls.remove(&call.key);
            }
        }
    }
}

impl Remembered {
    /// Where an event goes now, or `None` behind the last one, which is kept for whoever comes later.
    pub(crate) fn way(&self, event: &Event) -> Option<(u64, mpsc::Sender<Outgoing>)> {
        let mut way = lock(&self.way);
        if way.end.is_some() {
            return None;
        }
        if matches!(event, Event::Result(_) | Event::Error(_)) {
            way.end = Some(event.clone());
        }
        Some((way.call_id, way.outgoing.clone()))
    }

    /// Its events go here from now on; its end at once, if it has ended.
    pub(crate) async fn turn(&self, call_id: u64, outgoing: &mpsc::Sender<Outgoing>) {
        let end = {
            let mut way = lock(&self.way);
            (way.call_id, way.outgoing) = (call_id, outgoing.clone());
            way.end.clone()
        };
        if end.is_some() {
            // Whoever has asked may be gone.
            let _ = outgoing.send(Outgoing::Event(CallEvent { call_id, event: end })).await;
        }
    }

    /// Cancels it, unless its events go to another stream than this by now.
    pub(crate) fn cancel(&self, by: &mpsc::Sender<Outgoing>) {
        let is_theirs = lock(&self.way).outgoing.same_channel(by);
        if is_theirs && !self.over.is_cancelled() {
            self.cancel.cancel();
        }
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use protocol::pb;
    use tokio::time::sleep;

    use super::*;

    const GRACE: Duration = Duration::from_secs(60);

    fn memory() -> Memory {
        Memory::new(GRACE, CancellationToken::new())
    }

    fn request(key: &str) -> CallRequest {
        CallRequest { idempotency_key: key.to_owned(), ..CallRequest::default() }
    }

    fn failed(details: Bytes) -> Event {
        Event::Error(pb::Error { details, ..pb::Error::default() })
    }

    #[test]
    fn ends_are_bounded_whether_they_are_results_or_errors() {
        let memory = memory();
        let (outgoing, _events) = mpsc::channel(1);
        let half = Bytes::from(vec![b'0'; BYTES / 2 + 1]);
        for (key, end) in [("first", failed(half.clone())), ("second", Event::Result(half))] {
            let call = memory.begin(&request(key), &CancellationToken::new(), &outgoing).expect("it is new");
            call.way(&end);
            memory.ended(call);
        }
        assert!(memory.find(&request("first")).is_none() && memory.find(&request("second")).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_attempt_is_who_is_joined() {
        let memory = memory();
        let (outgoing, _events) = mpsc::channel(1);
        let begin = || memory.begin(&request("key"), &CancellationToken::new(), &outgoing);
        let first = begin().expect("it is new");
        assert!(begin().is_none(), "the first still runs");
        first.way(&failed(Bytes::new()));
        memory.ended(first);
        let second = begin().expect("the first has ended");
        sleep(GRACE).await;
        lock(&memory.state).sweep();
        let known = memory.find(&request("key")).expect("the second runs");
        assert!(Arc::ptr_eq(&known, &second));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_lost_again_has_its_whole_time_again() {
        let memory = memory();
        let cancel = CancellationToken::new();
        let (first, _events) = mpsc::channel(1);
        let call = memory.begin(&request("key"), &cancel, &first).expect("it is new");
        memory.orphan(Arc::clone(&call), first);
        sleep(GRACE / 2).await;
        let (second, _) = mpsc::channel(1);
        call.turn(2, &second).await;
        memory.orphan(call, second);
        sleep(GRACE * 3 / 4).await;
        assert!(!cancel.is_cancelled());
        sleep(GRACE / 2).await;
        assert!(cancel.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_has_ended_without_its_stream_is_not_cancelled() {
        let memory = memory();
        let cancel = CancellationToken::new();
        let (outgoing, _) = mpsc::channel(1);
        let call = memory.begin(&request("key"), &cancel, &outgoing).expect("it is new");
        memory.orphan(Arc::clone(&call), outgoing);
        call.way(&failed(Bytes::new()));
        memory.ended(call);
        sleep(GRACE * 2).await;
        assert!(!cancel.is_cancelled());
    }
}
