//! A call that outlives whoever asks for it: it stands in the journal of a session of its own, which is named after tenant,
//! agent and key, is run by the shard's desk, and is found by its name from any pod, over whichever wire.

mod awaited;
mod name;

pub(crate) use awaited::{Awaited, Waiting};
pub(crate) use name::{CallId, fingerprint, is_shared};

use crate::config::ms;
use crate::mcp::Ends;
use crate::outcome;
use crate::platform::Holder;
use crate::session::caller;
use crate::shard::{Delivery, DeskKey, KeptOrder, Order, Peer, Shard, Word};
use crate::trace::{self, CallSpan};
use auth::Identity;
use protocol::ErrorCode;
use router::{Event, Failure, Handler};
use session_store::{
    Begin, Epoch, Error, Journal as _, NewSession, ResumeToken, SessionId, Sessions as _, TokenHash,
};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Nobody ever resumes the session of a call.
const EPOCH: Epoch = Epoch(1);

/// What a backend is asked for.
pub(crate) struct Work {
    pub(crate) handler: Arc<Handler>,
    pub(crate) method: Cow<'static, str>,
    pub(crate) params: Box<[u8]>,
    pub(crate) timeout: Option<Duration>,
    /// The session of who asks, for which backends may keep something.
    pub(crate) session: Option<SessionId>,
}

/// How a call is found again, and told from another request.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) id: CallId,
    /// The same for the same request alone.
    pub(crate) fingerprint: ResumeToken,
}

/// A call that is to be made, or joined if it was made before.
pub(crate) struct Asked<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) named: &'a Named,
    pub(crate) work: Work,
    /// What is made of its end before that is kept.
    pub(crate) ends: Option<Ends>,
    pub(crate) span: Option<CallSpan>,
    /// `traceparent` and `tracestate`.
    pub(crate) trace: (String, String),
    /// Who hears of it, and what the call is called there.
    pub(crate) client: (Rc<Peer>, u64),
}

/// Whether the call had been made before, once it stands in the journal.
pub(crate) type Entered = oneshot::Receiver<Result<bool, Failure>>;

/// The end of somebody who waits for the call. Dropped, the call goes on without.
pub(crate) struct Kept {
    waiter: Rc<Waiter>,
    session: SessionId,
    request: Box<str>,
}

struct Waiter {
    shard: Rc<Shard>,
    client: (Rc<Peer>, u64),
    /// The call, if it is at work at this shard's desk.
    key: Cell<Option<DeskKey>>,
    is_gone: Cell<bool>,
    /// It is to end, once it is known where it runs.
    is_cancelled: Cell<bool>,
}

/// What it takes to open the session of a call.
struct Opening {
    identity: Identity,
    /// The same for the same request alone.
    token: TokenHash,
}

/// Makes the call, or joins it if it was made before.
///
/// # Errors
/// Too many calls of the holder run here. What comes later: the same name was given to another request; the store is
/// out of reach.
pub(crate) fn start(shard: &Rc<Shard>, asked: Asked<'_>) -> Result<(Kept, Entered), Failure> {
    let Asked { identity, named, work, ends, span, trace: (traceparent, tracestate), client } = asked;
    check_room(shard, identity)?;
    let (session, request) = (named.id.session(identity), named.id.request());
    let session_id = session.to_string();
    let caller = caller(identity, &work.session.unwrap_or(session).to_string());
    let order = Box::new(Order {
        session,
        epoch: EPOCH,
        request: request.as_str().into(),
        attempt: shard.next_attempt(),
        resent: false,
        join: false,
        handler: work.handler,
        method: work.method.into_owned().into(),
        params: work.params.into_vec().into(),
        caller,
        holder: Rc::new(Holder::new(identity, session_id)),
        traceparent: traceparent.into(),
        tracestate: tracestate.into(),
        span,
        timeout: work.timeout,
        asked_at: Instant::now(),
        ends,
    });
    let waiter = Rc::new(Waiter {
        shard: Rc::clone(shard),
        client,
        key: Cell::default(),
        is_gone: Cell::default(),
        is_cancelled: Cell::default(),
    });
    let kept = Kept { waiter: Rc::clone(&waiter), session, request: request.into() };
    let opening = Opening { identity: identity.clone(), token: named.fingerprint.hash(session) };
    let (told, entered) = oneshot::channel();
    // It goes on when the request is dropped: what was begun has to be run.
    shard.work(async move { waiter.enter(order, opening, told).await });
    Ok((kept, entered))
}

/// What is told where nobody knows whether the call was entered.
pub(crate) fn not_entered() -> Failure {
    Failure::new(ErrorCode::BackendUnavailable, "nothing was sent")
}

fn check_room(shard: &Shard, identity: &Identity) -> Result<(), Failure> {
    let most = shard.terms().config.websocket.max_in_flight;
    let at_work = shard.desk.borrow().count(|session, holder| {
        is_shared(session) && *holder.tenant == *identity.tenant() && *holder.agent == *identity.agent()
    });
    if at_work < most {
        return Ok(());
    }
    let why =
        format!("{most} calls of this agent are in flight, which is max_in_flight: wait for one to end");
    Err(Failure::new(ErrorCode::TooManyInFlight, why))
}

impl Waiter {
    async fn enter(
        self: Rc<Self>,
        order: KeptOrder,
        opening: Opening,
        told: oneshot::Sender<Result<bool, Failure>>,
    ) {
        let (shard, session) = (Rc::clone(&self.shard), order.session);
        let terms = shard.terms();
        let kept_for = terms.config.router.max_timeout_ms + terms.config.store.bounds.journal_age_ms;
        let entered = match open(&shard, session, &opening).await {
            Ok(()) => self.begin(order).await,
            Err(failure) => Err(failure),
        };
        let is_kept = entered.is_ok();
        // Whoever asked may be gone.
        let _ = told.send(entered);
        if is_kept && let Err(error) = shard.store.detach(session, EPOCH, ms(kept_for)).await {
            tracing::debug!(%session, %error, "a call is kept for longer than it needs to be");
        }
    }

    /// Whether the call had been made before.
    async fn begin(self: &Rc<Self>, order: KeptOrder) -> Result<bool, Failure> {
        let pod = &self.shard.pod;
        let begin = self.shard.store.begin(order.entry(&pod.id));
        let begun = trace::part(&pod.tracer, order.asker_span(), "journal.begin", begin).await;
        match begun {
            Ok(Begin::Begun) => {
                self.run(&order);
                return Ok(false);
            }
            Ok(Begin::Running { .. }) => {
                let waiter = Rc::clone(self);
                tokio::task::spawn_local(async move { waiter.wait(order).await });
            }
            Ok(Begin::Done(ended)) => self.deliver(outcome::decode(&ended)),
            Ok(Begin::Forgotten) => self.deliver(Event::Failed(outcome::forgotten())),
            Ok(Begin::Doubtful | Begin::Full) => self.deliver(lost()),
            Err(error) => {
                self.shard.withdraw(&order);
                return Err(out_of_reach(&error));
            }
        }
        Ok(true)
    }

    fn run(&self, order: &Order<'_>) {
        let key = self.shard.run(order, (Rc::clone(&self.client.0), self.client.1));
        self.key.set(Some(key));
        if self.is_gone.get() {
            self.shard.release(key);
        }
        if self.is_cancelled.get() {
            self.shard.cancel_for(order.session, &order.request);
        }
    }

    /// Asks the journal how a call ends that somebody else runs. If that pod dies, it is run here, where it may be.
    async fn wait(self: Rc<Self>, order: KeptOrder) {
        let mut waiting = self.shard.awaited.join(order.session);
        loop {
            match self.shard.ask(order.session, EPOCH, &order.request).await {
                Ok(Some(Word::Inherited)) => return self.run(&order),
                Ok(Some(Word::Orphaned)) => {
                    let (session, request) = (order.session, Arc::clone(&order.request));
                    return match order.joining() {
                        Some(order) => self.run(&order),
                        None => self.deliver(self.shard.bury(session, &request)),
                    };
                }
                Ok(Some(Word::Ended(end))) => return self.deliver(end),
                Ok(Some(_)) => return self.deliver(lost()),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(session = %order.session, %error, "the journal could not be asked")
                }
            }
            // Not while the journal is asked: what was taken over has to be run.
            if self.is_gone.get() {
                return;
            }
            waiting.pause().await;
        }
    }

    fn deliver(&self, event: Event) {
        let (peer, tag) = &self.client;
        peer.deliver_to(Delivery::Event { tag: *tag, event });
    }
}

impl Kept {
    /// Ends the call wherever it runs; whoever waits for it hears that.
    pub(crate) fn cancel(&self) {
        // Nobody hears of it while it is on its way into the journal.
        self.waiter.is_cancelled.set(true);
        self.waiter.shard.cancel_elsewhere(self.session, &self.request);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("request", &self.request).finish_non_exhaustive()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.waiter.is_gone.set(true);
        if let Some(key) = self.waiter.key.get() {
            self.waiter.shard.release(key);
        }
    }
}

/// Opens the session of a call, or finds it opened by the same request.
async fn open(shard: &Shard, session: SessionId, opening: &Opening) -> Result<(), Failure> {
    let new = NewSession {
        id: session,
        tenant: opening.identity.tenant(),
        agent: opening.identity.agent(),
        token: opening.token,
        pod: &shard.pod.id,
        state: b"",
    };
    // Unlike a creation it may be repeated, and tells a session with another token.
    match shard.store.restore(new, EPOCH).await {
        Ok(()) => Ok(()),
        Err(Error::Stale | Error::Exists { .. }) => Err(other_request()),
        Err(error) => Err(out_of_reach(&error)),
    }
}

/// Keeps a name for this request alone, without a call.
///
/// # Errors
/// The name was given to another request; the store is out of reach.
pub(crate) async fn claim(shard: &Shard, identity: &Identity, named: &Named) -> Result<SessionId, Failure> {
    let session = named.id.session(identity);
    let opening = Opening { identity: identity.clone(), token: named.fingerprint.hash(session) };
    open(shard, session, &opening).await?;
    let window = ms(shard.terms().config.store.bounds.idempotency_ms);
    shard.store.detach(session, EPOCH, window).await.map_err(|error| out_of_reach(&error))?;
    Ok(session)
}

fn other_request() -> Failure {
    let why = "this idempotency key was used for another request: take a fresh key, or repeat that request";
    Failure::new(ErrorCode::Conflict, why)
}

/// The journal could not be written or read; no backend was asked.
pub(crate) fn out_of_reach(error: &Error) -> Failure {
    tracing::debug!(%error, "a request that is kept could not use the store");
    let why = match error {
        Error::Full { .. } | Error::OutOfMemory => "the store is full; nothing was done",
        _ => "the store is out of reach; nothing was done",
    };
    Failure::new(ErrorCode::BackendUnavailable, why)
}

fn lost() -> Event {
    let failure: Failure = outcome::unknown("the journal has lost it");
    Event::Failed(failure)
}
