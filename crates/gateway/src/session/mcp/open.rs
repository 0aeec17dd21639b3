//! `initialize` of a legacy client: opens a session in the store, or takes one up again.

use super::{Heard, Mcp, refuse};
use crate::mcp::{Client, Server, initialized};
use crate::session::asker::Asker;
use crate::session::open::open;
use crate::session::pending::Then;
use crate::session::wanted::Wanted;
use crate::session::{Exchange, Session};
use mcp::{Error, Meta, Version};
use protocol::Message;
use session_store::SessionId;
use std::rc::Rc;

/// What its answer says of the session, for a client that can take it up again.
#[derive(Debug)]
pub(in crate::session) struct Opens<'a> {
    pub(in crate::session) session: uuid::Uuid,
    /// None if it can't be resumed.
    pub(in crate::session) token: Option<&'a str>,
    pub(in crate::session) window_ms: u64,
    pub(in crate::session) resumed: bool,
    /// Ids, as they were sent, of requests that nobody knows of.
    pub(in crate::session) resend: Vec<&'a str>,
}

impl Opens<'_> {
    /// As it stands in `_meta["mcpw/session"]`.
    fn written(&self) -> Option<String> {
        let token = self.token?;
        Some(format!(
            "{{\"session_id\":\"{}\",\"resume_token\":\"{token}\",\"resume_window_ms\":{},\"resumed\":{},\"resend\":[{}]}}",
            self.session,
            self.window_ms,
            self.resumed,
            self.resend.join(",")
        ))
    }
}

impl Session {
    pub(super) fn mcp_initialize(
        &mut self,
        message: &Message<'_>,
        client: Client,
        exchange: &mut Exchange<'_>,
    ) {
        if self.opened.is_some() {
            let why = "this connection is initialized already: initialize comes once";
            return refuse(message, &Error::new(mcp::error::INVALID_REQUEST, why), exchange);
        }
        let meta = Meta::of(message.body);
        let most = exchange.shard.terms().config.session.max_unanswered;
        let wanted = match meta.resume.map(|resume| Wanted::read(resume, most)).transpose() {
            Ok(wanted) => wanted.map(|wanted| Wanted { has_rounds: true, ..wanted }),
            Err(mistake) => {
                let why = mistake.replacen("params.resume", "params._meta[\"mcpw/resume\"]", 1);
                return refuse(message, &Error::params(why), exchange);
            }
        };
        tracing::debug!(
            connection = exchange.peer.id(),
            session = %self.id,
            tenant = self.identity.tenant(),
            agent = self.identity.agent(),
            client = &*client.info,
            version = client.version.name(),
            "initialize"
        );
        let shard = Rc::clone(exchange.shard);
        let (id, identity, asker) = (SessionId(self.id), self.identity.clone(), Asker::of(message));
        self.wait_for(async move {
            let (opening, unanswered) = open(&shard, id, &identity, wanted).await;
            Box::new(move |session: &mut Self, exchange: &mut Exchange<'_>| match opening {
                Ok(opening) => {
                    session.mcp =
                        Some(Box::new(Mcp { client: Some(client), heard: Some(Heard::new(exchange)) }));
                    session.mcp_take_up(opening, &unanswered, &asker, exchange);
                    Ok(())
                }
                Err(refused) => Err(session.refuse_opening(refused, &asker, exchange)),
            }) as Then
        });
    }

    /// The answer to `initialize`; `None` where the client speaks another protocol.
    pub(in crate::session) fn mcp_initialized(
        &self,
        opens: &Opens<'_>,
        exchange: &Exchange<'_>,
    ) -> Option<String> {
        let client = self.mcp_client()?;
        let server = Server { table: exchange.shard.router.table(), access: self.access() };
        Some(initialized(client, &server, opens.written().as_deref()))
    }

    /// The version of its session; none where there is none.
    pub(in crate::session) fn mcp_version(&self) -> Option<Version> {
        self.mcp_client().map(|client| client.version)
    }
}
