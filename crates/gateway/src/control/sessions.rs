//! Which sessions have ended, for backends that keep something for each: the gRPC service `mcpw.v1.Sessions`.

use super::guard::Admitted;
use protocol::pb::{EndedRequest, EndedResponse, sessions_server};
use session_store::{SessionId, Sessions as _, Store};
use tonic::{Request, Response, Status};

/// The most that are asked for at once.
const MOST: usize = 1_000;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(Store);

impl Sessions {
    pub(crate) const fn new(store: Store) -> Self {
        Self(store)
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
            match self.0.look(SessionId(id)).await {
                Ok(Some(_)) => {}
                Ok(None) => session_ids.push(text),
                Err(error) => {
                    tracing::debug!(%error, "sessions were not looked up");
                    return Err(Status::unavailable("the store is out of reach; ask again later"));
                }
            }
        }
        Ok(Response::new(EndedResponse { session_ids }))
    }
}
