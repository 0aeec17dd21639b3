//! A call that outlives its request: it stands in the journal of a session of its own, is run by the shard's desk, and is
//! found by its name from any pod.

use super::ask::Ask;
use super::names::{CallId, is_shared};
use super::problem::Problem;
use super::running::{Hold, Running, Work};
use crate::config::ms;
use crate::mcp::Ends;
use crate::outcome;
use crate::platform::Holder;
use crate::session::caller;
use crate::shard::{Delivery, DeskKey, KeptOrder, Order, Peer, Shard, Word};
use crate::trace::{self, CallSpan};
use auth::Identity;
use hyper::StatusCode;
use protocol::ErrorCode;
use router::{Event, Failure};
use session_store::{
    Begin, Epoch, Error, Journal as _, NewSession, ResumeToken, SessionId, Sessions as _, TokenHash,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Nobody ever resumes the session of a call.
pub(super) const EPOCH: Epoch = Epoch(1);

/// How often the journal is asked for the end of a call that runs elsewhere: from the first pause to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The end of somebody who waits for the call. Dropped, the call goes on without.
pub(crate) struct Kept {
    waiter: Rc<Waiter>,
    /// The call had been made before.
    pub(super) is_repeated: bool,
}

struct Waiter {
    shard: Rc<Shard>,
    peer: Rc<Peer>,
    /// The call, if it is at work at this shard's desk.
    key: Cell<Option<DeskKey>>,
    is_gone: Cell<bool>,
}

/// What it takes to open the session of a call.
struct Opening {
    identity: Identity,
    /// The same for the same request alone.
    token: TokenHash,
}

/// Makes the call, or joins it if it was made before. Answers once it stands in the journal. `ends` is what is made of its
/// end before that is kept.
///
/// # Errors
/// The same name was given to another request; the store is out of reach; too many calls of the holder run here.
pub(super) async fn start(
    ask: &Ask,
    id: CallId,
    token: &ResumeToken,
    work: Work,
    ends: Option<Ends>,
) -> Result<Running, Problem> {
    let (shard, identity) = (ask.shard(), &ask.identity);
    check_room(shard, identity)?;
    let session = id.session(identity);
    let session_id = session.to_string();
    let span = ask.span.as_ref().map(CallSpan::of);
    let (traceparent, tracestate) = ask.trace(span.as_ref());
    let order = Box::new(Order {
        session,
        epoch: EPOCH,
        request: id.request().into(),
        attempt: shard.next_attempt(),
        resent: false,
        handler: work.handler,
        method: work.method.into_owned().into(),
        params: work.params.into_vec().into(),
        caller: caller(identity, &session_id),
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
        peer: Rc::new(Peer::of_request()),
        key: Cell::new(None),
        is_gone: Cell::new(false),
    });
    let peer = Rc::clone(&waiter.peer);
    let mut kept = Kept { waiter: Rc::clone(&waiter), is_repeated: false };
    let opening = Opening { identity: identity.clone(), token: token.hash(session) };
    let (told, entered) = oneshot::channel();
    // It goes on when the request is dropped: what was begun has to be run.
    shard.work(async move { waiter.enter(order, opening, told).await });
    kept.is_repeated = entered.await.unwrap_or_else(|_| Err(Problem::unavailable("nothing was sent")))?;
    Ok(Running::new(peer, Hold::Kept(kept)))
}

fn check_room(shard: &Shard, identity: &Identity) -> Result<(), Problem> {
    let most = shard.terms().config.websocket.max_in_flight;
    let at_work = shard.desk.borrow().count(|session, holder| {
        is_shared(session) && *holder.tenant == *identity.tenant() && *holder.agent == *identity.agent()
    });
    if at_work < most {
        return Ok(());
    }
    let detail =
        format!("{most} calls of this agent are in flight, which is max_in_flight: wait for one to end");
    Err(Problem::new(ErrorCode::TooManyInFlight, detail))
}

impl Waiter {
    async fn enter(
        self: Rc<Self>,
        order: KeptOrder,
        opening: Opening,
        told: oneshot::Sender<Result<bool, Problem>>,
    ) {
        let (shard, session) = (Rc::clone(&self.shard), order.session);
        let terms = shard.terms();
        let kept_for = terms.config.router.max_timeout_ms + terms.config.store.bounds.journal_age_ms;
        let entered = match open(&shard, session, &opening).await {
            Ok(()) => self.begin(order).await,
            Err(problem) => Err(problem),
        };
        let is_kept = entered.is_ok();
        // Whoever asked may be gone.
        let _ = told.send(entered);
        if is_kept && let Err(error) = shard.store.detach(session, EPOCH, ms(kept_for)).await {
            tracing::debug!(%session, %error, "a call is kept for longer than it needs to be");
        }
    }

    /// Whether the call had been made before.
    async fn begin(self: &Rc<Self>, order: KeptOrder) -> Result<bool, Problem> {
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
        let key = self.shard.run(order, (Rc::clone(&self.peer), 0));
        self.key.set(Some(key));
        if self.is_gone.get() {
            self.shard.release(key);
        }
    }

    /// Asks the journal how a call ends that somebody else runs. If that pod dies, it is run here, where it may be.
    async fn wait(self: Rc<Self>, order: KeptOrder) {
        let waiting = self.shard.awaited.join(order.session);
        let mut pause = PAUSES.0;
        loop {
            match self.shard.ask(order.session, EPOCH, &order.request).await {
                Ok(Some(Word::Inherited)) => return self.run(&order),
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
            let _ = tokio::time::timeout(pause, waiting.news.notified()).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn deliver(&self, event: Event) {
        self.peer.deliver_to(Delivery::Event { tag: 0, event });
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
async fn open(shard: &Shard, session: SessionId, opening: &Opening) -> Result<(), Problem> {
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

/// Keeps a key for this request alone, without a call.
///
/// # Errors
/// The key was given to another request; the store is out of reach.
pub(super) async fn claim(ask: &Ask, key: &str, body: &str) -> Result<SessionId, Problem> {
    let (shard, session) = (ask.shard(), CallId::of_key(&ask.identity, key).session(&ask.identity));
    let opening = Opening { identity: ask.identity.clone(), token: ask.fingerprint(body)?.hash(session) };
    open(shard, session, &opening).await?;
    let window = ms(shard.terms().config.store.bounds.idempotency_ms);
    shard.store.detach(session, EPOCH, window).await.map_err(|error| out_of_reach(&error))?;
    Ok(session)
}

fn other_request() -> Problem {
    let detail =
        "this Idempotency-Key was used for another request: take a fresh key, or repeat that request";
    Problem::new(ErrorCode::Conflict, detail).status(StatusCode::UNPROCESSABLE_ENTITY)
}

/// The journal could not be written or read; no backend was asked.
pub(super) fn out_of_reach(error: &Error) -> Problem {
    tracing::debug!(%error, "a REST request could not use the store");
    Problem::unavailable(match error {
        Error::Full { .. } | Error::OutOfMemory => "the store is full; nothing was done",
        _ => "the store is out of reach; nothing was done",
    })
}

fn lost() -> Event {
    let failure: Failure = outcome::unknown("the journal has lost it");
    Event::Failed(failure)
}
