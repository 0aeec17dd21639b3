//! Many calls over one stream: starts, cancels and bounds them. Knows nothing of gRPC but the two streams.
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use protocol::ErrorCode;
use protocol::pb::{CallEvent, CallRequest, call_event::Event};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use crate::events::Outgoing;
use crate::execution::execute;
use crate::memory::{self, Remembered};
use crate::outbox::Outbox;
use crate::service::Shared;
use crate::{Call, Failure, tasks};

pub(crate) struct Multiplex {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<Outgoing>,
    /// A permit for each call that has not yet queued its last event.
    places: Arc<Semaphore>,
    /// How many were joined and have not ended. They are taken without a place too.
    joined: watch::Sender<usize>,
    live: Arc<Live>,
}

impl Multiplex {
    pub(crate) fn new(shared: Arc<Shared>, outgoing: mpsc::Sender<Outgoing>) -> Self {
        let places = Arc::new(Semaphore::new(shared.max_running_calls as usize));
        Self { shared, outgoing, places, joined: watch::Sender::new(0), live: Arc::default() }
    }

    /// Serves the stream until it is dropped, or until it is complete or the backend drains and all calls
    /// have ended.
    pub(crate) async fn run(self, mut requests: Streaming<CallRequest>, gone: CancellationToken) {
        let mut draining = false;
        let mut complete = false;
        let mut gone = pin!(gone.cancelled());
        let mut drain = pin!(self.shared.drain.cancelled());
        let all = self.shared.max_running_calls;
        let mut idle = pin!(ended(self.places.clone(), all, self.joined.subscribe()));
        let ending = loop {
            tokio::select! {
                biased;
                request = requests.message(), if !complete => match request {
                    Ok(Some(request)) => self.take(request, draining).await,
                    Ok(None) => complete = true,
                    Err(status) => break Outgoing::Broken(status),
                },
                () = &mut gone => break Outgoing::End,
                () = &mut drain, if !draining => draining = true,
                () = &mut idle, if draining || complete => break Outgoing::End,
            }
        };
        self.leave();
        // Fails where the stream is gone: then nobody needs to be told.
        let _ = self.outgoing.send(ending).await;
    }

    async fn take(&self, request: CallRequest, draining: bool) {
        let call_id = request.call_id;
        let taken = if request.cancel {
            self.cancel(call_id);
            Ok(())
        } else if request.join {
            self.join(&request).await
        } else {
            self.start(request, draining)
        };
        if let Err(failure) = taken {
            let event = CallEvent { call_id, event: Some(Event::Error(failure.into_error())) };
            let _ = self.outgoing.send(Outgoing::Event(event)).await;
        }
        if self.outgoing.capacity() == 0 {
            // Whoever doesn't read events is not read from either.
            let _ = self.outgoing.reserve().await;
        }
    }

    fn start(&self, request: CallRequest, draining: bool) -> Result<(), Failure> {
        if draining {
            return Err(Failure::unavailable("this replica is shutting down; another one can take the call"));
        }
        let place = self.places.clone().try_acquire_owned();
        let place =
            place.map_err(|_| Failure::unavailable("as many calls as this replica takes are running"))?;
        let run = self.shared.handlers.load().find(&request)?;
        let cancel = CancellationToken::new();
        let memory = self.shared.memory.as_ref();
        let mut remembered = None;
        let entry = self.live.enter(request.call_id, || {
            remembered = memory.and_then(|memory| memory.begin(&request, &cancel, &self.outgoing));
            remembered.clone().map_or_else(|| Running::Bound(cancel.clone()), Running::Remembered)
        })?;
        let outbox = Outbox::new(request.call_id, self.outgoing.clone(), self.shared.max_message_size)
            .remembered(remembered.clone());
        let call = Call::new(request, cancel, outbox, self.shared.publisher.clone());
        let shared = Arc::clone(&self.shared);
        let mut running = Box::pin(async move {
            let result = execute(run, &call).await;
            finish(&call, result, entry, place).await;
            if let (Some(memory), Some(remembered)) = (&shared.memory, remembered) {
                memory.ended(remembered);
            }
        });
        // Most handlers of small things end at their first poll, and need no task then.
        if running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            tasks::spawn(running);
        }
        Ok(())
    }

    /// Hears of a call that another stream has begun.
    async fn join(&self, request: &CallRequest) -> Result<(), Failure> {
        let memory = self.shared.memory.as_ref();
        let call = memory.and_then(|memory| memory.find(request)).ok_or_else(memory::unknown)?;
        let entry = self.live.enter(request.call_id, || Running::Remembered(Arc::clone(&call)))?;
        let place = self.places.clone().try_acquire_owned().ok();
        let joined = Joined::one_more(self.joined.clone());
        call.turn(request.call_id, &self.outgoing).await;
        tasks::spawn(async move {
            call.over().await;
            drop((entry, place, joined));
        });
        Ok(())
    }

    fn cancel(&self, call_id: u64) {
        if let Some(running) = self.live.find(call_id) {
            running.cancel(&self.outgoing);
        }
    }

    /// The stream is over: what does not outlive it is cancelled.
    fn leave(&self) {
        for running in self.live.all() {
            match (running, &self.shared.memory) {
                (Running::Remembered(call), Some(memory)) => memory.orphan(call, self.outgoing.clone()),
                (running, _) => running.cancel(&self.outgoing),
            }
        }
    }
}

/// Ready once no call runs. None begins after this was polled first.
async fn ended(places: Arc<Semaphore>, all: u32, mut joined: watch::Receiver<usize>) {
    // Neither is ever closed.
    let _none_begins = places.acquire_many(all).await;
    let _ = joined.wait_for(|joined| *joined == 0).await;
}

/// Counts a call that was joined, until it is dropped.
struct Joined(watch::Sender<usize>);

impl Joined {
    fn one_more(count: watch::Sender<usize>) -> Self {
        count.send_modify(|joined| *joined += 1);
        Self(count)
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.0.send_modify(|joined| *joined -= 1);
    }
}

async fn finish(
    call: &Call,
    result: Result<bytes::Bytes, Failure>,
    entry: LiveEntry,
    place: OwnedSemaphorePermit,
) {
    // The id is free again before anyone can know that its call has ended.
    drop(entry);
    call.outbox().end(result).await;
    drop(place);
}

/// A call of a stream.
#[derive(Clone)]
enum Running {
    /// It ends with the stream.
    Bound(CancellationToken),
    Remembered(Arc<Remembered>),
}

impl Running {
    fn cancel(self, by: &mpsc::Sender<Outgoing>) {
        match self {
            Self::Bound(cancel) => cancel.cancel(),
            Self::Remembered(call) => call.cancel(by),
        }
    }
}

/// The calls that can still be cancelled, by id.
#[derive(Default)]
struct Live(Mutex<HashMap<u64, Running>>);

impl Live {
    /// Enters the call that `begin` makes, which is not asked where the id is taken.
    fn enter(self: &Arc<Self>, call_id: u64, begin: impl FnOnce() -> Running) -> Result<LiveEntry, Failure> {
        match self.calls().entry(call_id) {
            Entry::Occupied(_) => Err(Failure::new(
                ErrorCode::Internal,
                format!("a call with call_id {call_id} is already running on this stream"),
            )),
            Entry::Vacant(vacant) => {
                vacant.insert(begin());
                Ok(LiveEntry { live: self.clone(), call_id })
            }
        }
    }

    fn find(&self, call_id: u64) -> Option<Running> {
        self.calls().get(&call_id).cloned()
    }

    fn all(&self) -> Vec<Running> {
        self.calls().values().cloned().collect()
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<u64, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LiveEntry {
    live: Arc<Live>,
    call_id: u64,
}

impl Drop for LiveEntry {
    fn drop(&mut self) {
        self.live.calls().remove(&self.call_id);
    }
}
