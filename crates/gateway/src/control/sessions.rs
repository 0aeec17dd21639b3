//! Which sessions have ended, for backends that keep something for each: the gRPC service `mcpw.v1.Sessions`.

use super::guard::Admitted;
use protocol::pb::{EndedRequest, EndedResponse, sessions_server};
use session_store::{Error, Leases as _, Seen, SessionId, Sessions as _, Store};
use std::time::Duration;
use tonic::{Request, Response, Status};

/// The most that are asked for at once.
const MOST: usize = 1_000;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    store: Store,
    /// How long a session waits for its client.
    window: Duration,
}

impl Sessions {
    pub(crate) const fn new(store: Store, window: Duration) -> Self {
        Self { store, window }
    }

    /// Whether a session is there. One whose pod has died waits for its client from the moment when that is noticed: the pod
    /// can't say so any more.
    async fn is_there(&self, id: SessionId) -> Result<bool, Error> {
        let Some(Seen { pod, epoch, attached, .. }) = self.store.look(id).await? else { return Ok(false) };
        if attached && !self.store.alive(&pod).await? {
            match self.store.detach(id, epoch, self.window).await {
                // Somebody has taken it up, or ended it, meanwhile.
                Ok(()) | Err(Error::Stale | Error::Unknown { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[tonic::async_trait]
impl sessions_server::Sessions for Sessions {
    async fn ended(&self, request: Request<EndedRequest>) -> Result<Response<EndedResponse>, Status> {
        // Whoever may register may ask.
        Admitted::of(&request)?;
        let asked = request.into_inner().session_ids;
        if asked.len() > MOST {
            return Err(Status::invalid_argument(format!("up to {MOST} sessions may be asked for at once")));
        }
        let mut session_ids = Vec::new();
        for text in asked {
            let Ok(id) = uuid::Uuid::parse_str(&text) else { continue };
            match self.is_there(SessionId(id)).await {
                Ok(true) => {}
                Ok(false) => session_ids.push(text),
                Err(error) => {
                    tracing::debug!(%error, "sessions were not looked up");
                    return Err(Status::unavailable("the store is out of reach; ask again later"));
                }
            }
        }
        // The store in memory is this process's own.
        let durable = self.store.at_once().is_none();
        Ok(Response::new(EndedResponse { session_ids, durable }))
    }
}
