//! Who works on a call, and what is known of it until it is answered.

use super::rounds::Spoken;
use crate::kept::Kept;
use crate::mcp::Note;
use crate::session::asker::{Asker, OwnedId};
use crate::session::exchange::Exchange;
use crate::session::{mcp, progress};
use crate::shard::{DeskKey, KeptOrder};
use crate::trace::CallSpan;
use metrics::TraceId;
use metrics::trace::Open;
use protocol::{Id, pb};
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
    /// Whoever runs it under the name that its client has given it; it goes on without this connection.
    Named(Kept),
    /// A task beside the conversation, which ends with it.
    Waiting(Waits),
    /// It is over, or between two of the others.
    Nobody,
}

/// The task that asks the journal how a call ends that runs elsewhere. Dropped, it asks no more.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) task: AbortHandle,
    pub(super) news: Rc<Notify>,
    /// It only waits for the order.
    pub(super) is_last: bool,
}

/// A task that brings an answer, or news. Dropped, it brings no more.
#[derive(Debug)]
pub(in crate::session) struct Waits {
    task: AbortHandle,
    /// It ends only when it is dropped.
    pub(super) is_listening: bool,
}

impl Waits {
    pub(in crate::session) const fn asking(task: AbortHandle) -> Self {
        Self { task, is_listening: false }
    }

    pub(in crate::session) const fn listening(task: AbortHandle) -> Self {
        Self { task, is_listening: true }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.task.abort();
    }
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
    /// How its events become messages of Model Context Protocol; none where the client speaks another.
    pub(super) spoken: Option<Box<Spoken>>,
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

    /// Whether it is known what was asked for.
    pub(super) const fn is_known(&self) -> bool {
        self.handler.is_some() || matches!(self.work, Work::Waiting(_))
    }

    /// Whom its end is told; nobody if none is awaited.
    pub(super) fn answers_to(&self) -> Option<Id<'_>> {
        let is_silent = self.spoken.as_ref().is_some_and(|spoken| spoken.is_silent);
        self.asker.id.as_ref().filter(|_| !is_silent).map(OwnedId::borrow)
    }

    pub(super) fn progress(&self, progress: &pb::Progress, exchange: &mut Exchange<'_>) {
        match &self.spoken {
            None => self.notify(&progress::member_of(progress), exchange),
            Some(spoken) => self.tell(spoken.shape.progress(progress), exchange),
        }
    }

    pub(super) fn partial(&self, partial: &[u8], exchange: &mut Exchange<'_>) {
        match &self.spoken {
            None => self.notify(&[b"\"partial\":", partial].concat(), exchange),
            Some(spoken) => self.tell(spoken.shape.partial(partial), exchange),
        }
    }

    fn tell(&self, note: Option<Note>, exchange: &mut Exchange<'_>) {
        if let Some(note) = note.filter(|_| self.answers_to().is_some()) {
            mcp::tell(&note, exchange);
        }
    }

    fn notify(&self, member: &[u8], exchange: &mut Exchange<'_>) {
        if let Some(id) = &self.asker.id {
            progress::notify(id.borrow(), member, exchange);
        }
    }
}
