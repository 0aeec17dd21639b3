//! Brings the client's subscriptions back on a session that lacks them, for as long as that takes. Ends with its
//! connection.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use protocol::ErrorCode;
use serde_json::json;

use crate::calls::Role;
use crate::event::Position;
use crate::events::Lack;
use crate::inbox::Inbox;
use crate::shared::Shared;
use crate::{Error, Reconnect, Request};

/// What a session lacks, and where the answer to the request for it arrives.
pub(crate) struct Resubscription {
    lack: Lack,
    asked: Option<Arc<Inbox>>,
}

impl Resubscription {
    /// Asks for what is missing before anything else is sent.
    pub(crate) fn begin(lack: Lack, shared: &Shared) -> Result<Self, Error> {
        let mut resubscription = Self { lack, asked: None };
        resubscription.ask(shared, Shared::ahead)?;
        Ok(resubscription)
    }

    /// Asks again for as long as the gateway can't subscribe the client. Cancel safe.
    pub(crate) async fn run(mut self, shared: &Shared, reconnect: Reconnect) -> Infallible {
        let mut failures = 0;
        while let Some(asked) = self.asked.take() {
            match asked.outcome().await {
                Err(error) if is_passing(&error) => {
                    tokio::time::sleep(reconnect.delay(failures)).await;
                    failures += 1;
                    // Only a client that has ended refuses, and has no subscriptions then.
                    let _ = self.ask(shared, |shared, request, role| {
                        shared.errand(request, role).map(|(_, inbox)| inbox)
                    });
                }
                Err(error) => shared.events.fail(&error),
                Ok(_) => {}
            }
        }
        pending().await
    }

    /// Sends the request for those names that are still wanted, if there are any.
    fn ask(
        &mut self,
        shared: &Shared,
        send: impl FnOnce(&Shared, Request, Role) -> Result<Arc<Inbox>, Error>,
    ) -> Result<(), Error> {
        let Lack { missing, from } = &mut self.lack;
        let asked = shared.events.renew(missing, |names| {
            let mut params = json!({ "names": names });
            if let Some(Position { log_epoch, last_offset }) = from {
                params["log_epoch"] = json!(log_epoch);
                params["last_offset"] = json!(last_offset);
            }
            let role = Role::Renewal { replay: from.is_some() };
            send(shared, Request::new("event.subscribe", params)?, role)
        });
        self.asked = asked.transpose()?;
        Ok(())
    }
}

/// Whether the same request may be taken later on this connection.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.rpc_code(),
        Some(ErrorCode::BackendUnavailable | ErrorCode::RateLimited | ErrorCode::Internal)
    )
}
