//! The first words of each connection: `initialize`, then what the client had before. Does not know how connections
//! are made.

use protocol::ErrorCode;
use serde_json::{Value, json};

use crate::calls::Role;
use crate::event::Position;
use crate::mcp::Speech;
use crate::resubscription::Resubscription;
use crate::session::Welcome;
use crate::shared::Shared;
use crate::wire::Outbound;
use crate::{Error, Request};

/// As many messages a gateway takes in a frame that does not say.
const BATCH: usize = 100;

/// How the client introduces itself.
#[derive(Clone, Debug)]
pub(crate) struct Introduction {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Introduction {
    /// Opens a session, or resumes the one that there is a ticket for, and goes on where the client was. Requests flow
    /// when this returns.
    pub(crate) async fn greet(&self, shared: &Shared) -> Result<(Welcome, Resubscription), Error> {
        let inbox = shared.ahead(self.request(shared)?, Role::Greeting)?;
        let welcome = shared.wire.welcome(&inbox.outcome().await?)?;
        let resubscription = Resubscription::begin(shared.events.lack(&welcome), shared)?;
        let greeted = shared.wire.mcp.as_ref().and_then(Speech::greeted);
        let greeted = greeted.map(|note| shared.wire.notification(&note));
        shared.control.open(greeted.into_iter().chain(unanswered(shared, &welcome)));
        Ok((welcome, resubscription))
    }

    fn request(&self, shared: &Shared) -> Result<Request, Error> {
        let resume = resume(shared);
        if let Some(speech) = &shared.wire.mcp {
            return speech.opening(resume);
        }
        let mut params = json!({ "client": { "name": self.name, "version": self.version } });
        if shared.wire.deflate {
            params["compression"] = json!(["deflate"]);
        }
        if let Some(resume) = resume {
            params["resume"] = resume;
        }
        Request::new("initialize", params)
    }
}

/// What a gateway is told of the session before, and of what has no answer; `None` without either.
fn resume(shared: &Shared) -> Option<Value> {
    let mut resume = json!({});
    if let Some(ticket) = &mut *shared.ticket() {
        ticket.turn = ticket.turn.saturating_add(1);
        resume = json!({
            "session_id": ticket.session_id,
            "resume_token": ticket.resume_token,
            "attempt": ticket.attempt,
            "turn": ticket.turn,
        });
        if let Some(Position { log_epoch, last_offset }) = shared.events.position() {
            resume["log_epoch"] = json!(log_epoch);
            resume["last_offset"] = json!(last_offset);
        }
    }
    let unanswered = shared.calls.unanswered();
    if !unanswered.is_empty() {
        resume["unanswered"] = json!(unanswered);
    }
    resume.as_object().is_some_and(|resume| !resume.is_empty()).then_some(resume)
}

/// Every request without an answer, to be sent before anything new.
fn unanswered(shared: &Shared, welcome: &Welcome) -> Vec<Outbound> {
    if !welcome.session.resumed {
        // Calls of before are nothing to this gateway, unless they are sent again.
        shared.calls.take_dropped();
    }
    // A call that was cancelled is not sent again, and this gateway can say nothing about it.
    let unknown = |id| !welcome.session.resumed || welcome.resend.contains(&id);
    for entry in shared.calls.take_cancelled(unknown) {
        entry.inbox.settle(Err(Error::Rpc {
            code: ErrorCode::Cancelled.as_u16(),
            message: "cancelled; the connection was lost before the gateway confirmed it".to_owned(),
            details: None,
        }));
    }
    let batch = welcome.session.limit("message_batch_size").unwrap_or(BATCH);
    let sizes = ["max_message_size", "max_frame_size"].map(|name| welcome.session.limit(name));
    let bytes = sizes.into_iter().flatten().min().unwrap_or(usize::MAX);
    let bytes = bytes.saturating_sub(welcome.session.overhead());
    shared.wire.frames(&shared.calls.claim_unanswered(), batch.max(1), bytes)
}
