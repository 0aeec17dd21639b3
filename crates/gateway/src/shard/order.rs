//! A call as it is asked for: with everything that it takes to enter it in the journal and to run it.

use crate::mcp::Ends;
use crate::platform::Holder;
use crate::trace::CallSpan;
use metrics::trace::Open;
use router::{Call, Caller, Handler};
use session_store::{Epoch, PodId, SessionId};
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A call with everything that it takes to run it, now or, once it is [kept](Order::keep), later.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) session: SessionId,
    pub(crate) epoch: Epoch,
    /// The canonical form of the request's id.
    pub(crate) request: Arc<str>,
    /// Tells this attempt to begin it from every other of the pod.
    pub(crate) attempt: u64,
    /// The client has sent this id before.
    pub(crate) resent: bool,
    /// It is not begun: it runs at its backend, and its pod has died.
    pub(crate) join: bool,
    pub(crate) handler: Arc<Handler>,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Cow<'a, [u8]>,
    pub(crate) caller: Caller,
    pub(crate) holder: Rc<Holder>,
    pub(crate) traceparent: Cow<'a, str>,
    pub(crate) tracestate: Cow<'a, str>,
    /// None where nothing is traced.
    pub(crate) span: Option<CallSpan>,
    pub(crate) timeout: Option<Duration>,
    /// When it was asked for.
    pub(crate) asked_at: Instant,
    /// What is made of its end before that is stored and told; none where it stays as it is.
    pub(crate) ends: Option<Ends>,
}

/// One that borrows nothing of a frame.
pub(crate) type KeptOrder = Box<Order<'static>>;

impl Order<'_> {
    /// The same for later.
    pub(crate) fn keep(self) -> KeptOrder {
        Box::new(Order {
            method: self.method.into_owned().into(),
            params: self.params.into_owned().into(),
            traceparent: self.traceparent.into_owned().into(),
            tracestate: self.tracestate.into_owned().into(),
            ..self
        })
    }

    /// The call goes on here, where it is ours and its backend may still have it.
    pub(crate) fn joining(mut self) -> Option<Self> {
        self.join = self.handler.annotations.joinable;
        self.join.then_some(self)
    }

    pub(crate) fn may_repeat(&self) -> bool {
        self.handler.annotations.may_repeat()
    }

    /// The span of whoever asks for it, to which the journal's belong.
    pub(crate) fn asker_span(&self) -> Option<Open> {
        self.span.as_ref().and_then(CallSpan::message)
    }

    /// The call as the journal takes it.
    pub(crate) fn entry<'a>(&'a self, pod: &'a PodId) -> session_store::Call<'a> {
        session_store::Call {
            session: self.session,
            epoch: self.epoch,
            request: &self.request,
            pod,
            repeatable: self.may_repeat(),
            attempt: self.attempt,
            resent: self.resent,
        }
    }

    /// The call as the router takes it, which any attempt at it is known by.
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            handler: &self.handler,
            method: &self.method,
            params: &self.params,
            caller: &self.caller,
            idempotency_key: [&self.holder.session, ":", &self.request],
            join: self.join,
            traceparent: &self.traceparent,
            tracestate: &self.tracestate,
            timeout: self.timeout,
        }
    }
}
