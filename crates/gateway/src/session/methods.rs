//! The methods that the gateway answers itself. They answer in the order sent.

use super::params::{Mistake, Params};
use super::{Close, Exchange, Session};
use crate::audit::Event;
use crate::listing;
use protocol::{CloseCode, ErrorCode, Message};

impl Session {
    /// A fresh token for the same tenant and agent.
    pub(super) fn refresh(
        &mut self,
        request: &Message<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Close> {
        let token = match Params::of(request.body).and_then(|params| params.required_secret("token")) {
            Ok(token) => token,
            Err(mistake) => {
                exchange.refuse(request, ErrorCode::InvalidParams, &mistake);
                return Ok(());
            }
        };
        match self.replace_identity(&token, exchange) {
            Ok(()) => {
                let expires_at =
                    self.identity.expires_at().map_or_else(|| "null".to_owned(), |at| at.to_string());
                exchange.answer(request, format!("{{\"expires_at\":{expires_at}}}").as_bytes());
            }
            Err(mistake) => exchange.refuse(request, ErrorCode::AuthenticationFailed, &mistake),
        }
        if self.expiry <= exchange.shard.now() {
            return Err(Close::new(CloseCode::Unauthorized, "the token has expired"));
        }
        Ok(())
    }

    pub(super) fn replace_identity(&mut self, token: &str, exchange: &Exchange<'_>) -> Result<(), Mistake> {
        let audit = &exchange.shard.pod.audit;
        let refuse = |reason| audit.tell(|| self.decision(Event::Refuse, exchange.peer).reason(reason));
        let identity = exchange.shard.verify(token).map_err(|refusal| {
            refuse(refusal.name());
            Mistake::Owned(format!("the token was refused: {refusal}"))
        })?;
        if !identity.is_same_holder(&self.identity) {
            refuse("another_holder");
            return Err("the token is another tenant's or agent's: open a connection of its own".into());
        }
        self.expiry = Self::expiry_of(&identity, exchange.shard);
        self.identity = identity;
        audit.tell(|| self.decision(Event::Refresh, exchange.peer));
        if let Some(calls) = &mut self.calls {
            calls.replace_identity(&self.identity);
        }
        Ok(())
    }

    /// The tools that the caller may execute, by name.
    pub(super) fn list_tools(&self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let prefix = match Params::of(request.body).and_then(|params| params.text("prefix")) {
            Ok(prefix) => prefix.unwrap_or_default(),
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let result = listing::tools(&exchange.shard.router.table(), self.access(), &prefix);
        exchange.answer(request, &result);
    }
}
