//! Brings a fresh token to the gateway before the old one expires, as long as a connection lasts. Model Context Protocol has
//! no word for that: there the next connection brings it.

use std::future::pending;

use serde::Deserialize;
use serde_json::json;

use crate::calls::Role;
use crate::shared::Shared;
use crate::token::{expiry, refresh_in};
use crate::{Error, Request};

/// The answer to `session.refresh`.
#[derive(Deserialize)]
pub(crate) struct Refreshed {
    /// In seconds of Unix time; `None` for never.
    pub(crate) expires_at: Option<u64>,
}

impl Refreshed {
    pub(crate) fn from_answer(answer: &str) -> Result<Self, Error> {
        serde_json::from_str(answer).map_err(|error| {
            Error::Protocol(format!("the answer to session.refresh is not understood: {error}"))
        })
    }
}

/// Renews the token of a connection that began with this one, or says that the connection has to end for that. Cancel safe:
/// what is under way ends with the connection.
pub(crate) async fn run(shared: &Shared, token: Option<String>) -> Error {
    let mut expires_at = token.filter(|_| shared.token.is_renewable()).as_deref().and_then(expiry);
    while let Some(at) = expires_at {
        tokio::time::sleep(refresh_in(at)).await;
        if let Some(speech) = &shared.wire.mcp {
            let goes_on = shared.reconnects && (speech.is_modern() || shared.ticket().is_some());
            return if goes_on { Error::elsewhere() } else { pending().await };
        }
        // Where it fails the old token still holds: it is tried again in what is left of its life.
        if let Ok(refreshed) = refresh(shared).await {
            expires_at = refreshed.expires_at;
        }
    }
    pending().await
}

async fn refresh(shared: &Shared) -> Result<Refreshed, Error> {
    let token = shared.token.now().await?;
    let request = Request::new("session.refresh", json!({ "token": token }))?;
    let (_, inbox) = shared.errand(request, Role::Passing)?;
    Refreshed::from_answer(inbox.outcome().await?.get())
}
