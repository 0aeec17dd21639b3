//! Sessions in Redis: one hash each. While a session is idle, nothing is sent.
use std::time::Duration;

use super::RedisStore;
use super::link::Request;
use super::scripts;
use crate::{Epoch, Error, NewSession, Refusal, Resume, Resumed, Seen, SessionId, Sessions, bounds};

impl RedisStore {
    async fn enter(&self, request: Request, new: &NewSession<'_>, epoch: Option<Epoch>) -> Result<(), Error> {
        let limits = &self.inner.bounds;
        bounds::identity(new.tenant, new.agent)?;
        bounds::size("a session's state", limits.state_bytes, new.state.len())?;
        let request = request
            .arg(new.tenant)
            .arg(new.agent)
            .arg(&new.token.as_bytes()[..])
            .arg(new.pod.as_str())
            .arg(new.state)
            .arg(limits.attached_ttl_ms)
            .arg(epoch.map(|epoch| epoch.0));
        let reply = self.script(request).await?;
        match reply.word()? {
            "ok" => Ok(()),
            "exists" => Err(Error::Exists { what: "a session" }),
            _ => Err(reply.strange()),
        }
    }

    async fn touch(&self, id: SessionId, epoch: Epoch, ttl: u64, attached: bool) -> Result<(), Error> {
        let keys = self.inner.keys.session(id);
        let request = Request::script(&scripts::TOUCH, &keys).arg(epoch.0).arg(ttl).arg(u8::from(attached));
        self.script(request).await?.word().map(|_| ())
    }
}

impl Sessions for RedisStore {
    async fn create(&self, new: NewSession<'_>) -> Result<Epoch, Error> {
        let [session, _, _] = self.inner.keys.session(new.id);
        self.enter(Request::script(&scripts::CREATE, &[session]), &new, None).await?;
        Ok(Epoch(1))
    }

    async fn restore(&self, new: NewSession<'_>, epoch: Epoch) -> Result<(), Error> {
        let request = Request::script(&scripts::RESTORE, &self.inner.keys.session(new.id));
        self.enter(request, &new, Some(epoch)).await
    }

    async fn resume(&self, resume: Resume<'_>) -> Result<Resumed, Error> {
        let request = Request::script(&scripts::RESUME, &self.inner.keys.session(resume.id))
            .arg(resume.tenant)
            .arg(resume.agent)
            .arg(&resume.presented.as_bytes()[..])
            .arg(&resume.next.as_bytes()[..])
            .arg(resume.pod.as_str())
            .arg(self.inner.bounds.attached_ttl_ms)
            .arg(resume.turn);
        let mut reply = self.script(request).await?;
        let refusal = match reply.plain_word() {
            "taken" => {
                let (epoch, previous) = (Epoch(reply.next()?), reply.pod()?);
                let attached: u8 = reply.next()?;
                return Ok(Resumed::Taken {
                    epoch,
                    previous,
                    detached: attached == 0,
                    state: reply.bytes()?,
                });
            }
            "unknown" => Refusal::Unknown,
            "foreign" => Refusal::Foreign,
            "token" => Refusal::Token,
            "late" => Refusal::Late,
            _ => return Err(reply.strange()),
        };
        Ok(Resumed::Refused(refusal))
    }

    async fn prolong(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        self.touch(id, epoch, self.inner.bounds.attached_ttl_ms, true).await
    }

    async fn detach(&self, id: SessionId, epoch: Epoch, window: Duration) -> Result<(), Error> {
        self.touch(id, epoch, super::milliseconds(window), false).await
    }

    async fn end(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        let request = Request::script(&scripts::END, &self.inner.keys.session(id)).arg(epoch.0);
        self.script(request).await?.word().map(|_| ())
    }

    async fn save(&self, id: SessionId, epoch: Epoch, state: &[u8]) -> Result<(), Error> {
        bounds::size("a session's state", self.inner.bounds.state_bytes, state.len())?;
        let [session, _, _] = self.inner.keys.session(id);
        let request = Request::script(&scripts::SAVE, &[session]).arg(epoch.0).arg(state);
        self.script(request).await?.word().map(|_| ())
    }

    async fn look(&self, id: SessionId) -> Result<Option<Seen>, Error> {
        let request = Request::script(&scripts::LOOK, &self.inner.keys.session(id));
        let mut reply = self.script(request).await?;
        match reply.plain_word() {
            "none" => return Ok(None),
            "seen" => {}
            _ => return Err(reply.strange()),
        }
        let (tenant, agent) = (reply.next()?, reply.next()?);
        let (pod, epoch) = (reply.pod()?, Epoch(reply.next()?));
        let attached: u8 = reply.next()?;
        let left: i64 = reply.next()?;
        Ok(Some(Seen {
            tenant,
            agent,
            pod,
            epoch,
            attached: attached == 1,
            left: Duration::from_millis(left.try_into().unwrap_or_default()),
            state: reply.bytes()?,
            running: reply.next()?,
            ended: reply.next()?,
            bytes: reply.next()?,
        }))
    }
}
