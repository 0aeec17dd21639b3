//! A call that a request waits for: what comes of it, whoever runs it.

use super::ask::Ask;
use super::kept::{self, Kept};
use super::names::{CallId, fingerprint};
use super::plain::Plain;
use super::problem::Problem;
use super::woken;
use crate::mcp::Ends;
use crate::measure;
use crate::shard::{Delivery, Peer};
use crate::trace::{self, CallSpan};
use bytes::Bytes;
use protocol::{ErrorCode, Meta};
use router::{Event, Failure, Handler, Kind};
use session_store::ResumeToken;
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// What a backend is asked for.
pub(crate) struct Work {
    pub(crate) handler: Arc<Handler>,
    pub(crate) method: Cow<'static, str>,
    pub(crate) params: Box<[u8]>,
    pub(crate) timeout: Option<Duration>,
}

/// Who runs a call. Dropped, it is told that nobody waits any more.
pub(crate) enum Hold {
    /// It ends with the request.
    Plain(Box<Plain>),
    /// It goes on.
    Kept(Kept),
}

/// A call on its way.
pub(crate) struct Running {
    peer: Rc<Peer>,
    inbox: std::vec::IntoIter<Delivery>,
    hold: Hold,
}

impl Running {
    pub(super) fn new(peer: Rc<Peer>, hold: Hold) -> Self {
        Self { peer, inbox: Vec::new().into_iter(), hold }
    }

    /// Whether the call had been made before, and this request only hears of it.
    pub(super) const fn is_repeated(&self) -> bool {
        matches!(&self.hold, Hold::Kept(kept) if kept.is_repeated)
    }

    /// The next event. None comes after the end. Cancel safe.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            for delivery in self.inbox.by_ref() {
                let Delivery::Event { event, .. } = delivery else { continue };
                if let Hold::Plain(plain) = &mut self.hold {
                    plain.heed(&event);
                }
                return event;
            }
            let came = woken(&self.peer, |_| self.peer.take_inbox().map_or(Poll::Pending, Poll::Ready));
            self.inbox = came.await.into_iter();
        }
    }

    /// How it ends.
    pub(crate) async fn end(&mut self) -> Result<Bytes, Failure> {
        loop {
            match self.next().await {
                Event::Progress(_) | Event::Partial(_) => {}
                Event::Result(result) => return Ok(result),
                Event::Failed(failure) => return Err(failure),
            }
        }
    }
}

impl Ask {
    /// Has a backend do the work. With an idempotency key it is done once, whoever asks how often; else it ends with the
    /// request.
    pub(super) async fn run(&self, work: Work, body: &str) -> Result<Running, Problem> {
        let name = self.idempotency_key()?.map(|key| CallId::of_key(&self.identity, &key));
        self.begin(work, name, body, None).await
    }

    /// The same under this name, if there is one. `content` tells the request from another one of the name, and `ends` is
    /// what is made of the end before it is kept under it.
    pub(super) async fn begin(
        &self,
        work: Work,
        name: Option<CallId>,
        content: &str,
        ends: Option<Ends>,
    ) -> Result<Running, Problem> {
        self.check(&work)?;
        match name {
            Some(name) => kept::start(self, name, &self.fingerprint(content)?, work, ends).await,
            None => Plain::start(self, &work),
        }
    }

    /// Has a backend do the work, whoever waits for it; its name is answered once it stands in the journal.
    pub(super) async fn hand_over(&self, work: Work, body: &str) -> Result<CallId, Problem> {
        self.check(&work)?;
        let key = self.idempotency_key()?;
        let id = key.map_or_else(CallId::fresh, |key| CallId::of_key(&self.identity, &key));
        kept::start(self, id, &self.fingerprint(body)?, work, None).await?;
        Ok(id)
    }

    fn check(&self, work: &Work) -> Result<(), Problem> {
        if work.handler.kind != Kind::Tool {
            self.may_ask(&work.method)?;
        }
        let refused = |code| measure::refused(self.shard(), &work.handler, code);
        self.access().to(&work.handler).map_err(|why| {
            refused(ErrorCode::Forbidden);
            self.forbidden(&work.handler.name, &why)
        })?;
        if self.link.is_leaving() {
            refused(ErrorCode::BackendUnavailable);
            return Err(Failure {
                details: Some(Bytes::from_static(b"{\"draining\":true}")),
                ..Failure::new(
                    ErrorCode::BackendUnavailable,
                    "this pod drains and takes no more calls: send it again on another connection; nothing was sent",
                )
            }
            .into());
        }
        Ok(())
    }

    /// What tells this request from another one with the same key.
    pub(super) fn fingerprint(&self, body: &str) -> Result<ResumeToken, Problem> {
        let path = self.head.uri.path().as_bytes();
        fingerprint(&[self.head.method.as_str().as_bytes(), path, body.as_bytes()])
            .ok_or_else(|| Problem::unavailable("the key can't be kept; nothing was sent"))
    }

    /// What the backend of a call is told of the trace: of the call's span, or where nothing is traced what came.
    pub(super) fn trace(&self, call: Option<&CallSpan>) -> (String, String) {
        let (parent, state) = self.traced();
        let meta =
            Meta { traceparent: Some(parent.into()), tracestate: Some(state.into()), timeout_ms: None };
        let (parent, state) = trace::carried(call, &meta);
        (parent.into_owned(), state.to_owned())
    }
}
