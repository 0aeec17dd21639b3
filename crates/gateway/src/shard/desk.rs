//! The calls of sessions that outlive their connections: each is entered in the journal, run whoever is connected, and
//! its end is stored. It knows no message and no wire.

use super::{Delivery, KeptOrder, Order, Peer, Shard};
use crate::kept::is_shared;
use crate::mail::{Letter, Memo};
use crate::mcp::Ends;
use crate::measure;
use crate::outcome;
use crate::patience::Patience;
use crate::platform::{self, Holder};
use crate::trace::{self, CallSpan};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use metrics::TraceId;
use metrics::trace::Open;
use protocol::ErrorCode;
use router::{CallKey, Event, Failure, Handler, Sink};
use session_store::{Begin, Channel as _, Epoch, Error, Finish, Journal as _, PodId, SessionId, Takeover};
use slab::Slab;
use std::future::Future;
use std::hash::BuildHasher as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the journal's part of a call is called in spans.
const BEGIN: &str = "journal.begin";
const FINISH: &str = "journal.finish";

/// What the journal says of a call that was not begun here, or is not begun.
#[derive(Debug)]
pub(crate) enum Word {
    /// It ended like this.
    Ended(Event),
    /// It is running, here or elsewhere; the order comes back.
    Running(KeptOrder),
    /// It ran at a pod that died, is ours now, and may be executed twice.
    Inherited,
    /// It ran at a pod that died, is ours now, and may not be executed twice: perhaps its backend still has it.
    Orphaned,
    /// The journal knows nothing of it.
    Missing,
    /// The store could not be asked; nothing was executed.
    Unasked(KeptOrder),
    /// The session is held under a later epoch than this; nothing was executed.
    Stale(Epoch, Option<KeptOrder>),
}

/// Names a call at the desk: a number of its own above its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeskKey(u64);

impl DeskKey {
    const fn place(self) -> usize {
        self.0 as u32 as usize
    }
}

#[derive(Debug)]
struct AtWork {
    key: DeskKey,
    session: SessionId,
    request: Arc<str>,
    /// None until a backend has it.
    call: Option<CallKey>,
    /// Who is connected, and what its session calls the call.
    client: Option<(Rc<Peer>, u64)>,
    handler: Arc<Handler>,
    holder: Rc<Holder>,
    trace: Option<TraceId>,
    span: Option<CallSpan>,
    ends: Option<Ends>,
    started: Instant,
}

/// The calls at work of one shard.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    calls: Slab<AtWork>,
    /// By session and request, which stand in the calls themselves; of several calls the latest.
    by_request: HashTable<DeskKey>,
    hasher: RandomState,
    sequence: u32,
}

impl Desk {
    fn insert(&mut self, order: &Order<'_>, client: (Rc<Peer>, u64)) -> DeskKey {
        self.sequence = self.sequence.wrapping_add(1);
        let key = DeskKey(u64::from(self.sequence) << 32 | self.calls.vacant_key() as u64);
        self.calls.insert(AtWork {
            key,
            session: order.session,
            request: Arc::clone(&order.request),
            call: None,
            client: Some(client),
            handler: Arc::clone(&order.handler),
            holder: Rc::clone(&order.holder),
            trace: TraceId::sampled(&order.traceparent),
            span: order.span.clone(),
            started: order.asked_at,
            ends: order.ends,
        });
        let (calls, hasher) = (&self.calls, &self.hasher);
        let is_same = |known: &DeskKey| is_of(calls, *known, order.session, &order.request);
        let rehash = |known: &DeskKey| {
            calls.get(known.place()).map_or(0, |call| hash_of(hasher, call.session, &call.request))
        };
        let hash = hash_of(hasher, order.session, &order.request);
        self.by_request.entry(hash, is_same, rehash).insert(key);
        key
    }

    fn find(&mut self, key: DeskKey) -> Option<&mut AtWork> {
        self.calls.get_mut(key.place()).filter(|call| call.key == key)
    }

    fn key_of(&self, session: SessionId, request: &str) -> Option<DeskKey> {
        let hash = hash_of(&self.hasher, session, request);
        self.by_request.find(hash, |known| is_of(&self.calls, *known, session, request)).copied()
    }

    fn take(&mut self, key: DeskKey) -> Option<AtWork> {
        self.find(key)?;
        let call = self.calls.remove(key.place());
        let hash = hash_of(&self.hasher, call.session, &call.request);
        if let Ok(entry) = self.by_request.find_entry(hash, |known| *known == key) {
            entry.remove();
        }
        Some(call)
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// How many calls are at work for sessions of this kind and holder.
    pub(crate) fn count(&self, is_meant: impl Fn(SessionId, &Holder) -> bool) -> usize {
        self.calls.iter().filter(|(_, call)| is_meant(call.session, &call.holder)).count()
    }
}

impl Shard {
    /// Enters a call in the journal and runs it if it is new there. What else the journal says comes to the client as
    /// a [`Word`].
    pub(crate) fn begin(self: &Rc<Self>, order: Order<'_>, client: (Rc<Peer>, u64)) -> DeskKey {
        let key = self.desk.borrow_mut().insert(&order, client);
        if let Some(store) = self.store.at_once() {
            let kept = || Arc::clone(&order.request);
            let begin = || store.begin_at(order.entry(&self.pod.id), kept, order.asked_at.into());
            let begun = trace::step(&self.pod.tracer, order.asker_span(), BEGIN, begin);
            self.begun(begun, order, key);
        } else {
            let (shard, order) = (Rc::clone(self), order.keep());
            self.work(async move {
                let begin = shard.store.begin(order.entry(&shard.pod.id));
                let begun = trace::part(&shard.pod.tracer, order.asker_span(), BEGIN, begin).await;
                shard.begun(begun, *order, key);
            });
        }
        key
    }

    /// What the journal says of a call that was to begin.
    fn begun(self: &Rc<Self>, begun: Result<Begin, Error>, order: Order<'_>, key: DeskKey) {
        let word = match begun {
            Ok(Begin::Begun) => return self.send(&order, key),
            Ok(Begin::Running { .. }) => Word::Running(order.keep()),
            Ok(Begin::Done(ended)) => Word::Ended(outcome::decode(&ended)),
            Ok(Begin::Forgotten) => failed(outcome::forgotten()),
            Ok(Begin::Doubtful) => failed(outcome::unknown("the journal has lost entries since it was sent")),
            Ok(Begin::Full) => failed(Failure::new(
                ErrorCode::TooManyInFlight,
                "the session's journal is full of running calls (store.bounds.journal_calls): wait for an answer",
            )),
            Err(Error::Stale) => Word::Stale(order.epoch, Some(order.keep())),
            Err(error) => {
                tracing::debug!(session = %order.session, request = &*order.request, %error, "a call is not journalled");
                Word::Unasked(order.keep())
            }
        };
        let call = self.desk.borrow_mut().take(key);
        match (call.and_then(|call| call.client), word) {
            (Some((peer, tag)), word) => peer.deliver_to(Delivery::Word { tag, word }),
            // Nobody is there to decide, so it is not run.
            (None, Word::Unasked(order)) => self.withdraw(&order),
            (None, _) => {}
        }
    }

    /// Runs a call without asking the journal: it is ours there already, or the store is out of reach.
    pub(crate) fn run(self: &Rc<Self>, order: &Order<'_>, client: (Rc<Peer>, u64)) -> DeskKey {
        let key = self.desk.borrow_mut().insert(order, client);
        self.send(order, key);
        key
    }

    fn send(self: &Rc<Self>, order: &Order<'_>, key: DeskKey) {
        if self.desk.borrow_mut().find(key).is_none() {
            // Cancelled before it was begun.
            let end = Event::Failed(Failure::new(ErrorCode::Cancelled, "cancelled before it was sent"));
            return self.keep_end(
                order.session,
                Arc::clone(&order.request),
                &end,
                false,
                None,
                Instant::now(),
            );
        }
        let mut span = order.span.clone();
        let start = || self.router.start(order.call(), Rc::clone(self) as Rc<dyn Sink>, key.0);
        match CallSpan::send(&mut span, &order.handler, &self.pod, &self.router, start) {
            Ok(started) => {
                self.counters.calls_started.increment();
                if let Some(call) = self.desk.borrow_mut().find(key) {
                    (call.call, call.span) = (Some(started), span);
                }
            }
            Err(failure) => self.end(key, Event::Failed(failure)),
        }
    }

    /// The call has ended: its end is stored, told to whoever is connected, and published.
    fn end(self: &Rc<Self>, key: DeskKey, end: Event) {
        let Some(mut call) = self.desk.borrow_mut().take(key) else { return };
        let asker = call.span.as_ref().and_then(CallSpan::message);
        if call.call.is_some() {
            self.counters.calls_ended.increment();
            if let Some(span) = call.span.take() {
                span.end(&call.handler, &self.pod, Some(&end));
            }
        }
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(call.started);
        measure::ended(self, &call.handler, elapsed, &end, call.trace);
        let times = (call.started, now);
        platform::tell_call(self, &call.holder, &call.request, &call.handler, times, &end);
        let end = match call.ends {
            Some(ends) => ends.kept(end),
            None => end,
        };
        self.keep_end(call.session, call.request, &end, call.client.is_some(), asker, now);
        if let Some((peer, tag)) = call.client {
            peer.deliver_to(Delivery::Event { tag, event: end });
        }
    }

    /// Stores how a call ended, however long the store is away, and tells whoever holds the session now. `asker` is the
    /// span of whoever asked for it.
    fn keep_end(
        self: &Rc<Self>,
        session: SessionId,
        request: Arc<str>,
        end: &Event,
        is_told: bool,
        asker: Option<Open>,
        now: Instant,
    ) {
        let Some(outcome) = outcome::encode(end) else { return };
        if let Some(store) = self.store.at_once() {
            let finish = || stored(store.finish_at(session, &request, &self.pod.id, outcome, now.into()));
            if let Ok(Some(holder)) = trace::step(&self.pod.tracer, asker, FINISH, finish) {
                self.tell_end(holder, session, &request, is_told);
            }
            return;
        }
        let shard = Rc::clone(self);
        self.work(async move {
            let finish = async {
                let finished = shard.finish(session, &request, &outcome).await;
                finished.ok_or("the journal was not written").and_then(stored)
            };
            if let Ok(Some(holder)) = trace::part(&shard.pod.tracer, asker, FINISH, finish).await {
                shard.tell_end(holder, session, &request, is_told);
            }
        });
    }

    /// A call's end is in the journal: whoever waits where the session is held now may look.
    fn tell_end(self: &Rc<Self>, holder: PodId, session: SessionId, request: &str, is_told: bool) {
        let is_here = holder == self.pod.id;
        if is_here && is_told && !is_shared(session) {
            return;
        }
        let letter = Letter::Ended { session: session.0, request: Box::from(request) };
        if is_here {
            return self.tell_all(&letter);
        }
        let shard = Rc::clone(self);
        self.work(async move {
            // Whoever waits there looks into the journal by itself, only later.
            let _ = shard.store.send(&holder, &letter.encode()).await;
        });
    }

    async fn finish(&self, session: SessionId, request: &str, outcome: &[u8]) -> Option<Finish> {
        self.insist(session, || self.store.finish(session, request, &self.pod.id, outcome)).await
    }

    /// A call that was to be run and is not leaves no trace in the journal, which may have it or not.
    pub(crate) fn withdraw(self: &Rc<Self>, order: &Order<'_>) {
        self.withdraw_attempt(order.session, Arc::clone(&order.request), order.attempt);
    }

    /// A call that is ours by this attempt and is not run leaves no trace.
    pub(crate) fn withdraw_attempt(self: &Rc<Self>, session: SessionId, request: Arc<str>, attempt: u64) {
        let shard = Rc::clone(self);
        self.work(async move {
            let withdraw = || shard.store.withdraw(session, &request, &shard.pod.id, attempt);
            shard.insist(session, withdraw).await;
        });
    }

    /// Asks the store again and again for as long as it is away; `None` if no waiting mends what it says.
    async fn insist<T, F>(&self, session: SessionId, ask: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut patience = Patience::new();
        loop {
            match ask().await {
                Ok(answer) => return Some(answer),
                Err(error) if is_lasting(&error) => {
                    tracing::error!(%session, %error, "the journal was not written");
                    return None;
                }
                Err(error) => tracing::debug!(%session, %error, "the journal waits for the store"),
            }
            if !patience.wait(&self.store).await {
                return None;
            }
        }
    }

    /// Has a call cancelled that runs at another shard or pod.
    pub(crate) fn cancel_elsewhere(self: &Rc<Self>, session: SessionId, request: &str) {
        let letter = Letter::Cancel { session: session.0, request: request.into() };
        self.tell_all(&letter);
        let (shard, request) = (Rc::clone(self), Box::<str>::from(request));
        self.work(async move {
            let entry = shard.store.lookup(session, &[&request]).await;
            if let Ok(entries) = entry
                && let Some(Some(session_store::Entry::Running { pod, .. })) = entries.first()
                && *pod != shard.pod.id
            {
                // If it is lost, the call ends by itself.
                let _ = shard.store.send(pod, &letter.encode()).await;
            }
        });
    }

    /// Nobody is connected to the call any more; it goes on.
    pub(crate) fn release(&self, key: DeskKey) {
        if let Some(call) = self.desk.borrow_mut().find(key) {
            call.client = None;
        }
    }

    /// Whoever is connected now hears of the call, if it is at work here.
    pub(crate) fn rejoin(
        &self,
        session: SessionId,
        request: &str,
        client: (Rc<Peer>, u64),
    ) -> Option<DeskKey> {
        let mut desk = self.desk.borrow_mut();
        let key = desk.key_of(session, request)?;
        desk.find(key)?.client = Some(client);
        Some(key)
    }

    /// Ends a call at the backend too; whoever is connected is told nothing of it.
    pub(crate) fn give_up(self: &Rc<Self>, key: DeskKey, failure: Failure) {
        let call = {
            let mut desk = self.desk.borrow_mut();
            let Some(call) = desk.find(key) else { return };
            call.client = None;
            call.call
        };
        if let Some(call) = call {
            self.router.cancel(call);
        } else {
            // Still on its way into the journal; it is ended when it comes out.
            if let Some(call) = self.desk.borrow_mut().take(key) {
                measure::refused(self, &call.handler, failure.code);
            }
            return;
        }
        self.end(key, Event::Failed(failure));
    }

    /// Another pod's client cancels a call that may be at work here.
    pub(crate) fn cancel_for(self: &Rc<Self>, session: SessionId, request: &str) {
        let key = self.desk.borrow().key_of(session, request);
        if let Some(key) = key {
            let client = self.desk.borrow_mut().find(key).and_then(|call| call.client.take());
            self.give_up(key, cancelled());
            // The one that cancels may be another than the one that waits.
            if let Some((peer, tag)) = client {
                peer.deliver_to(Delivery::Event { tag, event: Event::Failed(cancelled()) });
            }
        }
    }

    /// Asks the journal again and again how a call ended that runs elsewhere, until it says so.
    pub(crate) async fn await_end(
        self: Rc<Self>,
        session: SessionId,
        epoch: Epoch,
        request: Box<str>,
        news: Rc<tokio::sync::Notify>,
    ) -> Word {
        let mut wait = Duration::from_millis(50);
        loop {
            match self.ask(session, epoch, &request).await {
                Ok(Some(word)) => return word,
                Ok(None) => {}
                Err(Error::Stale) => {
                    // Who asks again under the same epoch is not to do so in a circle.
                    tokio::time::sleep(wait).await;
                    return Word::Stale(epoch, None);
                }
                Err(error) => tracing::debug!(%session, %error, "the journal could not be asked"),
            }
            let _ = tokio::time::timeout(wait, news.notified()).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
    }

    /// What the journal says of a call that ended, or ran at a pod that died; `None` while it runs.
    pub(crate) async fn ask(
        self: &Rc<Self>,
        session: SessionId,
        epoch: Epoch,
        request: &str,
    ) -> Result<Option<Word>, Error> {
        use session_store::{Entry, Leases as _};
        let entry = self.store.lookup(session, &[request]).await?.pop().flatten();
        let pod = match entry {
            None => return Ok(Some(Word::Missing)),
            Some(Entry::Done(ended)) => return Ok(Some(Word::Ended(outcome::decode(&ended)))),
            Some(Entry::Forgotten) => {
                return Ok(Some(failed(outcome::forgotten())));
            }
            Some(Entry::Running { pod, .. }) => pod,
        };
        if pod == self.pod.id || self.store.alive(&pod).await? {
            return Ok(None);
        }
        match self.store.take_over(session, epoch, request, &pod, &self.pod.id).await? {
            Takeover::Taken { repeatable: true } => Ok(Some(Word::Inherited)),
            Takeover::Taken { repeatable: false } => Ok(Some(Word::Orphaned)),
            Takeover::Done(ended) => Ok(Some(Word::Ended(outcome::decode(&ended)))),
            // The next look says more.
            Takeover::NotOwner { .. } | Takeover::Forgotten | Takeover::Unknown => Ok(None),
        }
    }

    /// Nobody knows how this call ended, whose pod has died.
    pub(crate) fn bury(self: &Rc<Self>, session: SessionId, request: &str) -> Event {
        let end = Event::Failed(outcome::unknown("the pod that ran it died"));
        self.keep_end(session, request.into(), &end, true, None, Instant::now());
        end
    }

    /// Tells every shard of this pod. One that is too busy to take it asks the journal.
    pub(crate) fn tell_all(&self, letter: &Letter) {
        for shard in &*self.shards {
            let _ = shard.try_send(Memo::Letter(letter.clone()));
        }
    }
}

impl Sink for Shard {
    fn deliver(&self, tag: u64, event: Event) {
        let Some(shard) = self.me.upgrade() else { return };
        let key = DeskKey(tag);
        if matches!(event, Event::Result(_) | Event::Failed(_)) {
            return shard.end(key, event);
        }
        let mut desk = self.desk.borrow_mut();
        if let Some(AtWork { client: Some((peer, tag)), .. }) = desk.find(key) {
            let (peer, tag) = (Rc::clone(peer), *tag);
            drop(desk);
            peer.deliver_to(Delivery::Event { tag, event });
        }
    }
}

/// What the desk finds a call by.
fn hash_of(hasher: &RandomState, session: SessionId, request: &str) -> u64 {
    hasher.hash_one((session, request))
}

/// Whether the call of this key is that of a session and a request.
fn is_of(calls: &Slab<AtWork>, key: DeskKey, session: SessionId, request: &str) -> bool {
    calls.get(key.place()).is_some_and(|call| call.session == session && *call.request == *request)
}

/// What a cancelled call is told.
pub(crate) fn cancelled() -> Failure {
    Failure::new(ErrorCode::Cancelled, "cancelled by tool.cancel")
}

/// Who holds the session of a call that has ended; none where that is over, and its journal with it.
fn stored(finish: Finish) -> Result<Option<PodId>, &'static str> {
    match finish {
        Finish::Stored { holder } | Finish::Forgotten { holder } => Ok(Some(holder)),
        // A client may end its session as soon as it has read the answer.
        Finish::Unknown => Ok(None),
        Finish::NotOwner => Err("the call is another pod's"),
    }
}

fn failed(failure: Failure) -> Word {
    Word::Ended(Event::Failed(failure))
}

/// An error that no waiting mends.
fn is_lasting(error: &Error) -> bool {
    !matches!(
        error,
        Error::Unavailable { .. }
            | Error::Timeout { .. }
            | Error::OutOfMemory
            | Error::ReadOnly { .. }
            | Error::Forbidden { .. }
    )
}
