//! Which sessions have ended, as the gateways know. For backends that keep something for each.
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::pb::EndedRequest;
use protocol::pb::sessions_client::SessionsClient;
use tokio::time::timeout;
use tonic::Code;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::registration::Gateway;
use crate::token::Token;

/// How long a gateway may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks gateways for sessions. Cheap to clone; see [`Running::sessions`](crate::Running::sessions).
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    gateways: Vec<SessionsClient<InterceptedService<Channel, Token>>>,
    token: Token,
}

impl Sessions {
    /// The most that are asked for at once.
    pub const MOST: usize = 1_000;

    pub(crate) fn new(gateways: &[Gateway], token: Token) -> Self {
        let client = |gateway: &Gateway| SessionsClient::with_interceptor(gateway.channel(), gateway.token());
        Self(Arc::new(Inner { gateways: gateways.iter().map(client).collect(), token }))
    }

    /// Those of these sessions, up to [`Self::MOST`], that have ended. It is asked at each gateway of
    /// [`Serve::register_at`](crate::Serve::register_at), since it may be that they share no store: a session has ended
    /// where all say so. None have without a gateway, or while one does not answer.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub async fn ended(&self, session_ids: Vec<String>) -> Vec<String> {
        let mut ended: Option<HashSet<String>> = None;
        for gateway in &self.0.gateways {
            let request = EndedRequest { session_ids: session_ids.clone() };
            let said = match timeout(PATIENCE, gateway.clone().ended(request)).await {
                Ok(Ok(response)) => response.into_inner().session_ids,
                Ok(Err(status)) => {
                    if status.code() == Code::Unauthenticated {
                        // It may have been renewed since.
                        self.0.token.refresh().await;
                    }
                    return Vec::new();
                }
                Err(_) => return Vec::new(),
            };
            let said = said.into_iter();
            ended = Some(match ended {
                None => said.collect(),
                Some(before) => said.filter(|id| before.contains(id)).collect(),
            });
        }
        ended.into_iter().flatten().collect()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("gateways", &self.0.gateways.len()).finish_non_exhaustive()
    }
}
