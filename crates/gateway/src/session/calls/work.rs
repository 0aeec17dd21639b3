//! Who works on a call, and what is known of it until it is answered.

use crate::session::asker::Asker;
use crate::session::exchange::Exchange;
use crate::session::progress;
use crate::shard::{DeskKey, KeptOrder};
use crate::trace::CallSpan;
use metrics::TraceId;
use metrics::trace::Open;
use router::{CallKey, Handler, Kind};
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Who works on a call.
#[derive(Debug)]
pub(super) enum Work {
    /// Nobody yet: the one before it on the same context does not let it.
    Waits(KeptOrder),
    /// A backend, for this connection alone.
    Sent(CallKey),
    /// The shard's desk, whoever is connected.
    AtDesk(DeskKey),
    /// Nobody, until the client knows that the session can't be resumed.
    Held(KeptOrder),
    /// Another pod or shard. With the order it can be run here if that dies.
    Elsewhere { order: Option<KeptOrder>, watch: Watch },
    /// It is over, or between two of the others.
    Nobody,
}

/// The task that asks the journal how a call ends that runs elsewhere. Dropped, it asks no more.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) task: AbortHandle,
    pub(super) news: Rc<Notify>,
}

impl Work {
    /// What it is, which it is no more.
    pub(super) const fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Nobody)
    }

    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A call that was not answered yet.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) asker: Asker,
    pub(super) work: Work,
    pub(super) context: Option<Box<str>>,
    pub(super) handler: Option<Arc<Handler>>,
    pub(super) started: Instant,
    pub(super) trace: Option<TraceId>,
    /// The message's span; none where nothing is traced.
    pub(super) span: Option<Open>,
    /// The call's, while this connection alone has it.
    pub(super) call: Option<CallSpan>,
    /// Tells a late event of an earlier call in the same place.
    pub(super) generation: u32,
}

impl Running {
    /// What the request is called in spans: by what a backend has registered, not by what the client has asked for.
    pub(super) fn method_name(&self) -> Cow<'static, str> {
        match &self.handler {
            Some(handler) if handler.kind == Kind::Tool => format!("tool.execute {}", handler.name).into(),
            Some(handler) => handler.name.to_string().into(),
            None => "unanswered".into(),
        }
    }

    pub(super) fn notify(&self, member: &[u8], exchange: &mut Exchange<'_>) {
        if let Some(id) = &self.asker.id {
            progress::notify(id.borrow(), member, exchange);
        }
    }
}
