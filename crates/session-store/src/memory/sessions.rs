//! Sessions in memory, each with its journal.
use std::time::Duration;

use super::MemoryStore;
use super::clock::Nanos;
use super::journal::Calls;
use crate::mailbox::lock;
use crate::{
    Bounds, Epoch, Error, NewSession, PodId, Refusal, Resume, Resumed, Seen, SessionId, Sessions, TokenHash,
    bounds,
};
use bytes::Bytes;

/// Small, as there is one for each idle connection.
#[derive(Debug)]
pub(super) struct Session {
    /// The tenant, so many bytes, and the agent.
    holder: Box<str>,
    tenant: u16,
    token: TokenHash,
    turn: u32,
    epoch: Epoch,
    pub(super) pod: PodId,
    attached: bool,
    state: Box<[u8]>,
    /// None while the journal has nothing to say, as with most sessions at most times.
    pub(super) calls: Option<Box<Calls>>,
}

impl Session {
    fn new(new: &NewSession<'_>, epoch: Epoch) -> Self {
        Self {
            holder: [new.tenant, new.agent].concat().into(),
            // `check` allows no longer one.
            tenant: u16::try_from(new.tenant.len()).unwrap_or(u16::MAX),
            token: new.token,
            turn: 0,
            epoch,
            pod: new.pod.clone(),
            attached: true,
            state: new.state.into(),
            calls: None,
        }
    }

    /// The tenant and the agent.
    fn holder(&self) -> (&str, &str) {
        self.holder.split_at(usize::from(self.tenant))
    }

    pub(super) fn calls(&mut self) -> &mut Calls {
        self.calls.get_or_insert_default()
    }

    /// Gives the space of the journal back if it has nothing to say.
    pub(super) fn rest(&mut self) {
        self.calls.take_if(|calls| calls.is_blank());
    }
}

impl MemoryStore {
    /// Works on a session on behalf of its holder.
    pub(super) fn hold<T>(
        &self,
        id: SessionId,
        epoch: Epoch,
        now: Nanos,
        work: impl FnOnce(&mut Session) -> T,
    ) -> Result<T, Error> {
        let mut sessions = lock(&self.inner.sessions);
        let session = sessions.find_at(&id, now).ok_or(Error::Unknown { what: "the session" })?;
        if session.epoch != epoch {
            return Err(Error::Stale);
        }
        Ok(work(session))
    }

    fn attach(&self, id: SessionId, epoch: Epoch, attached: bool, ttl: Duration) -> Result<(), Error> {
        let mut sessions = lock(&self.inner.sessions);
        let session = sessions.find(&id).ok_or(Error::Unknown { what: "the session" })?;
        if session.epoch != epoch {
            return Err(Error::Stale);
        }
        session.attached = attached;
        sessions.prolong(&id, ttl);
        Ok(())
    }
}

impl Sessions for MemoryStore {
    async fn create(&self, new: NewSession<'_>) -> Result<Epoch, Error> {
        let limits = &self.inner.bounds;
        check(&new, limits)?;
        let mut sessions = lock(&self.inner.sessions);
        if sessions.find(&new.id).is_some() {
            return Err(Error::Exists { what: "a session" });
        }
        sessions.insert(new.id, Session::new(&new, Epoch(1)), limits.attached_ttl())?;
        Ok(Epoch(1))
    }

    async fn restore(&self, new: NewSession<'_>, epoch: Epoch) -> Result<(), Error> {
        let limits = &self.inner.bounds;
        check(&new, limits)?;
        let mut sessions = lock(&self.inner.sessions);
        let mut restored = Session::new(&new, epoch);
        restored.calls().doubt();
        let Some(known) = sessions.find(&new.id) else {
            return sessions.insert(new.id, restored, limits.attached_ttl());
        };
        if known.holder() != (new.tenant, new.agent) {
            return Err(Error::Exists { what: "a session" });
        }
        if known.epoch > epoch || (known.epoch == epoch && known.token != new.token) {
            return Err(Error::Stale);
        }
        restored.calls = known.calls.take();
        restored.calls().doubt();
        *known = restored;
        sessions.prolong(&new.id, limits.attached_ttl());
        Ok(())
    }

    async fn resume(&self, resume: Resume<'_>) -> Result<Resumed, Error> {
        let mut sessions = lock(&self.inner.sessions);
        let Some(session) = sessions.find(&resume.id) else {
            return Ok(Resumed::Refused(Refusal::Unknown));
        };
        if session.holder() != (resume.tenant, resume.agent) {
            return Ok(Resumed::Refused(Refusal::Foreign));
        }
        // The token that it is to have is its token already: the same attempt once more.
        if session.token == resume.next {
            if resume.turn <= session.turn {
                return Ok(Resumed::Refused(Refusal::Late));
            }
        } else if session.token != resume.presented {
            return Ok(Resumed::Refused(Refusal::Token));
        }
        (session.token, session.turn) = (resume.next, resume.turn);
        session.epoch = Epoch(session.epoch.0 + 1);
        let previous = std::mem::replace(&mut session.pod, resume.pod.clone());
        let detached = !std::mem::replace(&mut session.attached, true);
        let state = Bytes::copy_from_slice(&session.state);
        let taken = Resumed::Taken { epoch: session.epoch, previous, detached, state };
        sessions.prolong(&resume.id, self.inner.bounds.attached_ttl());
        Ok(taken)
    }

    async fn prolong(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        self.attach(id, epoch, true, self.inner.bounds.attached_ttl())
    }

    async fn detach(&self, id: SessionId, epoch: Epoch, window: Duration) -> Result<(), Error> {
        self.attach(id, epoch, false, window)
    }

    async fn end(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        let mut sessions = lock(&self.inner.sessions);
        match sessions.find(&id) {
            Some(session) if session.epoch != epoch => return Err(Error::Stale),
            Some(_) => sessions.remove(&id),
            None => {}
        }
        Ok(())
    }

    async fn save(&self, id: SessionId, epoch: Epoch, state: &[u8]) -> Result<(), Error> {
        bounds::size("a session's state", self.inner.bounds.state_bytes, state.len())?;
        self.hold(id, epoch, self.inner.clock.now(), |session| session.state = state.into())
    }

    async fn look(&self, id: SessionId) -> Result<Option<Seen>, Error> {
        let mut sessions = lock(&self.inner.sessions);
        let left = sessions.left(&id);
        let Some((session, left)) = sessions.find(&id).zip(left) else { return Ok(None) };
        let (running, ended, bytes) = session.calls.as_ref().map_or((0, 0, 0), |calls| calls.sizes());
        let (tenant, agent) = session.holder();
        Ok(Some(Seen {
            tenant: tenant.to_owned(),
            agent: agent.to_owned(),
            pod: session.pod.clone(),
            epoch: session.epoch,
            attached: session.attached,
            left,
            state: Bytes::copy_from_slice(&session.state),
            running,
            ended,
            bytes,
        }))
    }
}

fn check(new: &NewSession<'_>, limits: &Bounds) -> Result<(), Error> {
    bounds::identity(new.tenant, new.agent)?;
    bounds::size("a session's state", limits.state_bytes, new.state.len())
}
