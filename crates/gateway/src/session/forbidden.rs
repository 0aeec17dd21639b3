//! Requests that are answered with 4013, whatever forbids them.

use super::Session;
use super::exchange::Exchange;
use crate::access::{Access, Forbidden};
use crate::audit::Event;
use protocol::{ErrorCode, Message, Method, MethodName};
use std::fmt::Display;

impl Session {
    /// What the holder may do.
    pub(super) const fn access(&self) -> Access<'_> {
        Access { identity: &self.identity, permit: &self.permit }
    }

    /// Whether the rules let the holder ask for this. What they say of a tool is asked where the tool is known.
    pub(super) fn may_ask(&self, request: &Message<'_>) -> Result<(), Forbidden<'static>> {
        match &request.method {
            None | Some(MethodName::Known(Method::ToolExecute)) => Ok(()),
            Some(method) => self.permit.check_method(method.name()).map_err(Forbidden::Rules),
        }
    }

    /// Answers a request that the holder may not make. `what` is the method or the tool, by the name that we know it by.
    pub(super) fn forbid(
        &self,
        request: &Message<'_>,
        what: &str,
        why: &impl Display,
        exchange: &mut Exchange<'_>,
    ) {
        let entry = || self.decision(Event::Forbidden, exchange.peer).reason(format!("{what}: {why}"));
        exchange.shard.pod.audit.tell(entry);
        exchange.refuse(request, ErrorCode::Forbidden, &why.to_string());
    }
}
