//! Messages over a limit: they are told so, and nothing comes of them. Whoever goes on and on is told to go. Messages within
//! one may have to wait until other pods know of those before them.

use super::Session;
use super::exchange::{Close, Exchange};
use super::pending::Then;
use protocol::{CloseCode, ErrorCode, Kind, Message, Rejection};
use std::sync::Arc;

impl Session {
    /// Whether the next message has to wait: for the store's answer, or until it is settled what was let through of a
    /// rate.
    pub(super) fn is_held_up(&mut self) -> bool {
        if !self.is_waiting()
            && let Some(account) = self.allowance.as_ref().and_then(|allowance| allowance.held())
        {
            let account = Arc::clone(account);
            self.wait_for(async move {
                account.released().await;
                let go_on: Then = Box::new(|_, _| Ok(()));
                go_on
            });
        }
        self.is_waiting()
    }

    /// Whether the message is over a limit, and answered.
    ///
    /// # Errors
    /// Too many were, one after the other.
    pub(super) fn is_over_limit(
        &mut self,
        message: &Result<Message<'_>, Rejection<'_>>,
        exchange: &mut Exchange<'_>,
    ) -> Result<bool, Close> {
        let Some(allowance) = &mut self.allowance else { return Ok(false) };
        let name = match message {
            Ok(message) if !matches!(message.kind, Kind::Request | Kind::Notification) => return Ok(false),
            Ok(message) => message.method.as_ref().map_or("", |method| method.name()),
            // What can't be read is answered too.
            Err(_) => "",
        };
        let terms = exchange.shard.terms();
        let limits = &terms.limits;
        let Err(over) = limits.take(allowance, name) else { return Ok(false) };
        exchange.shard.counters.limited(over.limit);
        let (text, details) = (over.to_string(), over.details());
        let (code, details) = (ErrorCode::RateLimited, Some(details.as_bytes()));
        match message {
            Ok(message) => exchange.refuse_with(message, code, &text, details),
            Err(rejection) => exchange.fail_with(rejection.id, rejection.method_code, code, &text, details),
        }
        if limits.is_flooding(allowance) {
            return Err(Close::new(CloseCode::Flooding, "too many requests over the limits"));
        }
        Ok(true)
    }
}
