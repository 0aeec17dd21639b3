//! A caller's end of a client: numbers requests and queues them. The last one to go ends the client.

use std::sync::Arc;
use std::time::Duration;

use protocol::Method;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::call::Call;
use crate::calls::{Question, Role};
use crate::events::names;
use crate::queue::Queue;
use crate::shared::Shared;
use crate::writer::Parcel;
use crate::{Error, Request};

pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: mpsc::Sender<Parcel>,
}

impl Link {
    /// Queues a request. Cancel safe: a dropped future has sent nothing.
    pub(crate) async fn start(self: &Arc<Self>, request: Request) -> Result<Call, Error> {
        let request = self.shared.wire.prepared(request)?;
        let deadline = request.timeout.map(|timeout| (timeout, Instant::now()));
        let permit = self.room(request.timeout).await?;
        let ids = self.shared.calls.ids(1);
        let id = ids.start;
        self.shared.check_size(self.shared.wire.size(id, &request))?;
        let call = self.enter(id, request, deadline)?;
        permit.send(Parcel::Requests(ids));
        Ok(call)
    }

    /// Queues requests as one frame. Cancel safe as [`Self::start`] is.
    pub(crate) async fn start_batch(self: &Arc<Self>, requests: Vec<Request>) -> Result<Vec<Call>, Error> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let permit = self.room(None).await?;
        let ids = self.shared.calls.ids(requests.len() as u64);
        // A comma or bracket each.
        let size = ids.clone().zip(&requests).map(|(id, request)| 1 + self.shared.wire.size(id, request));
        self.shared.check_size(size.sum::<usize>())?;
        let calls = ids.clone().zip(requests).map(|(id, request)| self.enter(id, request, None));
        let calls = calls.collect::<Result<Vec<_>, Error>>()?;
        permit.send(Parcel::Requests(ids));
        Ok(calls)
    }

    /// Queues a notification. Cancel safe as [`Self::start`] is.
    pub(crate) async fn notify(&self, notification: Request) -> Result<(), Error> {
        let wire = &self.shared.wire;
        let frame = wire.notification(&wire.prepared(notification)?);
        self.shared.check_size(frame.payload.len())?;
        self.room(None).await?.send(Parcel::Notice(frame));
        Ok(())
    }

    /// Queues a ping of the message format, whose pong settles the call.
    pub(crate) async fn ping(self: &Arc<Self>) -> Result<Call, Error> {
        let permit = self.room(None).await?;
        let ids = self.shared.calls.ids(1);
        let inbox = self.shared.inbox();
        self.shared.calls.enter(ids.start, Question::Ping, Role::Caller, Arc::clone(&inbox))?;
        let call = Call::new(Arc::clone(self), ids.start, inbox, None);
        permit.send(Parcel::Requests(ids));
        Ok(call)
    }

    /// Subscribes for a queue, which gets events from the first that can come.
    pub(crate) fn subscribe(self: &Arc<Self>, queue: &Arc<Queue>, request: Request) -> Result<Call, Error> {
        let shared = &self.shared;
        let role = Role::Subscription(Arc::clone(queue));
        let (id, inbox) = shared.events.add(queue, || shared.errand(request, role))?;
        Ok(Call::new(Arc::clone(self), id, inbox, None))
    }

    /// Waits for room in the queue, no longer than the caller of a request would.
    async fn room(&self, patience: Option<Duration>) -> Result<mpsc::Permit<'_, Parcel>, Error> {
        let permit = self.queue.reserve();
        let permit = match patience {
            Some(patience) => {
                tokio::time::timeout(patience, permit).await.map_err(|_| Error::Timeout(patience))?
            }
            None => permit.await,
        };
        permit.map_err(|_| self.shared.reason())
    }

    fn enter(
        self: &Arc<Self>,
        id: u64,
        request: Request,
        deadline: Option<(Duration, Instant)>,
    ) -> Result<Call, Error> {
        // A caller may subscribe by a request of its own, and keeps that over a reconnect as well.
        let role = match Method::from_name(&request.method) {
            Some(Method::EventSubscribe) => Role::Asking(names(&request.params)),
            Some(Method::EventUnsubscribe) => Role::Unasking(names(&request.params)),
            _ => Role::Caller,
        };
        let inbox = self.shared.inbox();
        self.shared.calls.enter(id, Question::Request(Arc::new(request)), role, Arc::clone(&inbox))?;
        Ok(Call::new(Arc::clone(self), id, inbox, deadline))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // It is written before the close frame, and nobody waits for its answer.
        let _ = self.shared.part();
        self.shared.quit();
    }
}
