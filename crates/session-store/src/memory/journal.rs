//! The journal of one session in memory.
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::HashMap;
use tokio::time::Instant;

use super::MemoryStore;
use super::clock::{Nanos, millis};
use super::turns::Turns;
use crate::mailbox::lock;
use crate::{Begin, Bounds, Call, Entry, Epoch, Error, Finish, Journal, PodId, SessionId, Takeover, bounds};

#[derive(Debug)]
enum Slot {
    Running {
        request: Arc<str>,
        pod: PodId,
        repeatable: bool,
        attempt: u64,
    },
    /// `outcome` is `None` once it is forgotten; `turn` is its place in `ended`.
    Ended {
        turn: u64,
        outcome: Option<Bytes>,
    },
}

/// Every slot that ended is in `ended` once, in the order of ending.
#[derive(Debug, Default)]
pub(super) struct Calls {
    slots: HashMap<Arc<str>, Slot>,
    ended: Turns<(Nanos, Arc<str>)>,
    bytes: usize,
    lossy: bool,
}

impl Calls {
    fn begin(
        &mut self,
        call: &Call<'_>,
        kept: impl FnOnce() -> Arc<str>,
        limits: &Bounds,
        now: Nanos,
    ) -> Begin {
        self.age(limits, now);
        match self.slots.get(call.request) {
            Some(Slot::Running { pod, attempt, .. }) if pod == call.pod && *attempt == call.attempt => {
                return Begin::Begun;
            }
            Some(Slot::Running { pod, .. }) => return Begin::Running { pod: pod.clone() },
            Some(Slot::Ended { outcome: Some(outcome), .. }) => return Begin::Done(outcome.clone()),
            Some(Slot::Ended { outcome: None, .. }) => return Begin::Forgotten,
            None if self.lossy && call.resent && !call.repeatable => return Begin::Doubtful,
            None => {}
        }
        if self.slots.len() >= limits.journal_calls {
            let Some((oldest, _)) = self.ended.first() else { return Begin::Full };
            self.drop_unacknowledged(oldest);
        }
        let (request, pod) = (kept(), call.pod.clone());
        let slot = Slot::Running {
            request: Arc::clone(&request),
            pod,
            repeatable: call.repeatable,
            attempt: call.attempt,
        };
        self.slots.insert(request, slot);
        Begin::Begun
    }

    fn finish(
        &mut self,
        request: &str,
        (pod, holder): (&PodId, &PodId),
        outcome: Bytes,
        limits: &Bounds,
        now: Nanos,
    ) -> Finish {
        self.age(limits, now);
        let Some(slot) = self.slots.get_mut(request) else { return Finish::Unknown };
        let request = match slot {
            Slot::Running { request, pod: owner, .. } if owner == pod => Arc::clone(request),
            _ => return Finish::NotOwner,
        };
        let (size, kept) = (outcome.len(), outcome.len() <= limits.journal_bytes);
        let turn = self.ended.push((now, request));
        *slot = Slot::Ended { turn, outcome: kept.then_some(outcome) };
        if kept {
            self.bytes += size;
            self.make_room(limits.journal_bytes);
        }
        let holder = holder.clone();
        if kept { Finish::Stored { holder } } else { Finish::Forgotten { holder } }
    }

    fn take_over(&mut self, request: &str, dead: &PodId, pod: &PodId) -> Takeover {
        match self.slots.get_mut(request) {
            None => Takeover::Unknown,
            Some(Slot::Running { pod: owner, repeatable, attempt, .. }) if owner == dead => {
                (*owner, *attempt) = (pod.clone(), 0);
                Takeover::Taken { repeatable: *repeatable }
            }
            Some(Slot::Running { pod, .. }) => Takeover::NotOwner { pod: pod.clone() },
            Some(Slot::Ended { outcome: Some(outcome), .. }) => Takeover::Done(outcome.clone()),
            Some(Slot::Ended { outcome: None, .. }) => Takeover::Forgotten,
        }
    }

    fn acknowledge(&mut self, requests: impl IntoIterator<Item: AsRef<str>>) {
        for request in requests {
            if let Some(&Slot::Ended { turn, .. }) = self.slots.get(request.as_ref()) {
                self.remove(turn);
            }
        }
        self.tidy();
    }

    fn acknowledge_all_but(&mut self, unanswered: &[&str]) {
        let unanswered: HashSet<&str> = unanswered.iter().copied().collect();
        let answered = self.ended.iter().filter(|(_, (_, request))| !unanswered.contains(&**request));
        for turn in answered.map(|(turn, _)| turn).collect::<Vec<_>>() {
            self.remove(turn);
        }
        self.tidy();
    }

    /// From now on a call that is not known may have been.
    pub(super) fn doubt(&mut self) {
        self.lossy = true;
    }

    /// Whether it says no more than one that was never written to.
    pub(super) fn is_blank(&self) -> bool {
        self.slots.is_empty() && !self.lossy
    }

    /// How many run, how many have ended, and the bytes of their outcomes.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.slots.len() - self.ended.len(), self.ended.len(), self.bytes)
    }

    fn withdraw(&mut self, request: &str, pod: &PodId, attempt: u64) {
        if let Some(Slot::Running { pod: owner, attempt: made, .. }) = self.slots.get(request)
            && (owner, *made) == (pod, attempt)
        {
            self.slots.remove(request);
        }
    }

    fn entry(&self, request: &str) -> Option<Entry> {
        Some(match self.slots.get(request)? {
            Slot::Running { pod, repeatable, .. } => {
                Entry::Running { pod: pod.clone(), repeatable: *repeatable }
            }
            Slot::Ended { outcome: Some(outcome), .. } => Entry::Done(outcome.clone()),
            Slot::Ended { outcome: None, .. } => Entry::Forgotten,
        })
    }

    fn age(&mut self, limits: &Bounds, now: Nanos) {
        let age = millis(limits.journal_age_ms);
        while let Some((oldest, (since, _))) = self.ended.first() {
            if now.saturating_sub(*since) < age {
                return;
            }
            self.drop_unacknowledged(oldest);
        }
    }

    /// Forgets the oldest outcomes until no more than `most` bytes are kept.
    fn make_room(&mut self, most: usize) {
        for (_, (_, request)) in self.ended.iter() {
            if self.bytes <= most {
                return;
            }
            if let Some(Slot::Ended { outcome, .. }) = self.slots.get_mut(request) {
                self.bytes -= outcome.take().map_or(0, |outcome| outcome.len());
            }
        }
    }

    fn drop_unacknowledged(&mut self, turn: u64) {
        self.remove(turn);
        self.doubt();
    }

    fn remove(&mut self, turn: u64) {
        let Some((_, request)) = self.ended.remove(turn) else { return };
        if let Some(Slot::Ended { outcome: Some(outcome), .. }) = self.slots.remove(&request) {
            self.bytes -= outcome.len();
        }
    }

    /// Closes the holes that were left, once no turn is held any more.
    fn tidy(&mut self) {
        if self.ended.is_sparse() {
            self.ended.renumber(|(_, request), now| {
                if let Some(Slot::Ended { turn, .. }) = self.slots.get_mut(request) {
                    *turn = now;
                }
            });
        }
    }
}

/// The journal of a store that answers at once; the moment is the caller's, who has looked at the clock.
impl MemoryStore {
    /// As [`Journal::begin`]. `kept` gives the request's id as it is kept if the call begins.
    ///
    /// # Errors
    /// Those of [`Journal::begin`].
    pub fn begin_at(
        &self,
        call: Call<'_>,
        kept: impl FnOnce() -> Arc<str>,
        now: Instant,
    ) -> Result<Begin, Error> {
        bounds::request(call.request)?;
        let (limits, now) = (&self.inner.bounds, self.inner.clock.at(now));
        self.hold(call.session, call.epoch, now, |session| session.calls().begin(&call, kept, limits, now))
    }

    /// As [`Journal::finish`].
    pub fn finish_at(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        outcome: Bytes,
        now: Instant,
    ) -> Finish {
        let now = self.inner.clock.at(now);
        let mut sessions = lock(&self.inner.sessions);
        let Some(session) = sessions.find_at(&session, now) else { return Finish::Unknown };
        let calls = session.calls.get_or_insert_default();
        calls.finish(request, (pod, &session.pod), outcome, &self.inner.bounds, now)
    }

    /// As [`Journal::acknowledge`].
    ///
    /// # Errors
    /// Those of [`Journal::acknowledge`].
    pub fn acknowledge_at(
        &self,
        session: SessionId,
        epoch: Epoch,
        requests: impl IntoIterator<Item: AsRef<str>>,
        now: Instant,
    ) -> Result<(), Error> {
        self.hold(session, epoch, self.inner.clock.at(now), |session| {
            session.calls().acknowledge(requests);
            session.rest();
        })
    }
}

impl Journal for MemoryStore {
    async fn begin(&self, call: Call<'_>) -> Result<Begin, Error> {
        self.begin_at(call, || Arc::from(call.request), Instant::now())
    }

    async fn finish(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        outcome: &[u8],
    ) -> Result<Finish, Error> {
        Ok(self.finish_at(session, request, pod, Bytes::copy_from_slice(outcome), Instant::now()))
    }

    async fn take_over(
        &self,
        session: SessionId,
        epoch: Epoch,
        request: &str,
        dead: &PodId,
        pod: &PodId,
    ) -> Result<Takeover, Error> {
        self.hold(session, epoch, self.inner.clock.now(), |session| {
            session.calls().take_over(request, dead, pod)
        })
    }

    async fn acknowledge(&self, session: SessionId, epoch: Epoch, requests: &[&str]) -> Result<(), Error> {
        self.acknowledge_at(session, epoch, requests, Instant::now())
    }

    async fn acknowledge_all_but(
        &self,
        session: SessionId,
        epoch: Epoch,
        unanswered: &[&str],
    ) -> Result<(), Error> {
        self.hold(session, epoch, self.inner.clock.now(), |session| {
            session.calls().acknowledge_all_but(unanswered);
            session.rest();
        })
    }

    async fn withdraw(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        attempt: u64,
    ) -> Result<(), Error> {
        let mut sessions = lock(&self.inner.sessions);
        if let Some(session) = sessions.find(&session) {
            session.calls().withdraw(request, pod, attempt);
            session.rest();
        }
        Ok(())
    }

    async fn lookup(&self, session: SessionId, requests: &[&str]) -> Result<Vec<Option<Entry>>, Error> {
        let mut sessions = lock(&self.inner.sessions);
        let Some(session) = sessions.find(&session) else { return Ok(vec![None; requests.len()]) };
        let calls = session.calls.as_deref();
        Ok(requests.iter().map(|request| calls?.entry(request)).collect())
    }
}
