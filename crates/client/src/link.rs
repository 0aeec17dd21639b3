//! A caller's end of a connection: numbers requests and queues them. The last one to go closes the connection.

use std::sync::{Arc, OnceLock};

use protocol::CloseCode;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::call::Call;
use crate::inbox::Inbox;
use crate::shared::Shared;
use crate::wire::Outbound;
use crate::{Error, Request};

pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: mpsc::Sender<Outbound>,
    /// The largest message in bytes that the gateway takes, once it has said so.
    pub(crate) sendable: OnceLock<usize>,
    /// Bytes of updates or notifications that may wait for one reader.
    pub(crate) unread_limit: usize,
}

impl Link {
    /// Queues a request. Cancel safe: a dropped future has sent nothing.
    pub(crate) async fn start(self: &Arc<Self>, request: &Request) -> Result<Call, Error> {
        let permit = self.queue.reserve().await.map_err(|_| self.shared.reason())?;
        let id = self.shared.next_id();
        let message = self.bounded(self.shared.wire.request(id, request))?;
        let inbox = self.enter(id)?;
        permit.send(message);
        let deadline = request.timeout.map(|timeout| (timeout, Instant::now()));
        Ok(Call::new(Arc::clone(self), id, inbox, deadline))
    }

    /// Queues requests as one frame. Cancel safe as [`Self::start`] is.
    pub(crate) async fn start_batch(self: &Arc<Self>, requests: Vec<Request>) -> Result<Vec<Call>, Error> {
        let permit = self.queue.reserve().await.map_err(|_| self.shared.reason())?;
        let numbered: Vec<_> = requests.into_iter().map(|request| (self.shared.next_id(), request)).collect();
        let message = self.bounded(self.shared.wire.batch(&numbered))?;
        let calls = numbered
            .iter()
            .map(|(id, _)| Ok(Call::new(Arc::clone(self), *id, self.enter(*id)?, None)))
            .collect::<Result<Vec<_>, Error>>()?;
        if !numbered.is_empty() {
            permit.send(message);
        }
        Ok(calls)
    }

    /// Queues a notification. Cancel safe as [`Self::start`] is.
    pub(crate) async fn notify(&self, notification: &Request) -> Result<(), Error> {
        let message = self.bounded(self.shared.wire.notification(notification))?;
        self.queue.send(message).await.map_err(|_| self.shared.reason())
    }

    /// Queues a ping of the message format, whose pong settles the call.
    pub(crate) async fn ping(self: &Arc<Self>) -> Result<Call, Error> {
        let permit = self.queue.reserve().await.map_err(|_| self.shared.reason())?;
        let id = self.shared.next_id();
        let inbox = self.enter(id)?;
        permit.send(self.shared.wire.ping(id));
        Ok(Call::new(Arc::clone(self), id, inbox, None))
    }

    /// Refuses what the gateway would close the connection for.
    fn bounded(&self, message: Outbound) -> Result<Outbound, Error> {
        match self.sendable.get() {
            Some(&limit) if message.payload.len() > limit => {
                let size = message.payload.len();
                Err(Error::Unsendable(format!("a message of {size} bytes, and the gateway takes {limit}")))
            }
            _ => Ok(message),
        }
    }

    fn enter(&self, id: u64) -> Result<Arc<Inbox>, Error> {
        let inbox = Arc::new(Inbox::new(self.unread_limit));
        self.shared.register(id, Arc::clone(&inbox))?;
        Ok(inbox)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.control.close(CloseCode::Normal.as_u16(), "");
    }
}
