//! Which sessions have ended, for backends that keep something for each: the gRPC service `mcpw.v1.Sessions`.

use super::guard::Admitted;
use crate::config::{Config, ms};
use protocol::pb::{EndedRequest, EndedResponse, sessions_server};
use session_store::{Error, Leases as _, Seen, SessionId, Sessions as _, Store};
use std::sync::Arc;
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// The most that are asked for at once.
const MOST: usize = 1_000;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    store: Store,
    settings: watch::Receiver<Arc<Config>>,
}

impl Sessions {
    pub(crate) const fn new(store: Store, settings: watch::Receiver<Arc<Config>>) -> Self {
        Self { store, settings }
    }

    /// Whether a session is there. One whose pod has died waits for its client from the moment when that is noticed: the pod
    /// can't say so any more.
    async fn is_there(&self, id: SessionId) -> Result<bool, Error> {
        let Some(Seen { pod, epoch, attached, .. }) = self.store.look(id).await? else { return Ok(false) };
        if attached && !self.store.alive(&pod).await? {
            let window = ms(self.settings.borrow().session.resume_window_ms);
            match self.store.detach(id, epoch, window).await {
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use session_store::{MemoryStore, NewSession, PodId, ResumeToken};
    use std::time::Duration;

    #[test]
    fn a_session_whose_pod_died_waits_for_as_long_as_is_set_now() {
        let mut config = Config::default();
        let store = Store::Memory(MemoryStore::new(config.store.bounds.clone()));
        let (change, settings) = watch::channel(Arc::new(config.clone()));
        let sessions = Sessions::new(store.clone(), settings);
        let (id, pod) = (SessionId::fresh(), PodId::new("dead").unwrap());
        let token = ResumeToken::fresh().unwrap().hash(id);
        let new = NewSession { id, tenant: "tenant", agent: "agent", token, pod: &pod, state: b"" };
        // The store in memory answers at once.
        store.create(new).now_or_never().unwrap().unwrap();
        config.session.resume_window_ms = 5_000;
        change.send_replace(Arc::new(config));
        assert!(sessions.is_there(id).now_or_never().unwrap().unwrap());
        let seen = store.look(id).now_or_never().unwrap().unwrap().expect("it is there");
        assert!(!seen.attached && seen.left <= Duration::from_secs(5), "{seen:?}");
    }
}
