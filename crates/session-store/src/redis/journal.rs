//! The journal in Redis: a hash of a session's calls, beside it those that ended, by time. A running call is `R`,
//! whether it is repeatable, 16 digits of the attempt, and its pod; one that ended is `D` and its outcome, or `F`.
use bytes::Bytes;

use super::RedisStore;
use super::link::Request;
use super::reply::{Reply, damaged};
use super::scripts;
use crate::{Begin, Call, Entry, Epoch, Error, Finish, Journal, PodId, SessionId, Takeover, bounds};

/// How many requests one command names.
const CHUNK: usize = 500;

impl Journal for RedisStore {
    async fn begin(&self, call: Call<'_>) -> Result<Begin, Error> {
        bounds::request(call.request)?;
        let limits = &self.inner.bounds;
        let request = Request::script(&scripts::BEGIN, &self.inner.keys.session(call.session))
            .arg(call.epoch.0)
            .arg(call.request)
            .arg(call.pod.as_str())
            .arg(u8::from(call.repeatable))
            .arg(u8::from(call.resent))
            .arg(limits.journal_calls)
            .arg(limits.journal_age_ms)
            .arg(attempt(call.attempt));
        let mut reply = self.script(request).await?;
        Ok(match reply.word()? {
            "begun" => Begin::Begun,
            "running" => Begin::Running { pod: reply.pod()? },
            "done" => Begin::Done(reply.bytes()?),
            "forgotten" => Begin::Forgotten,
            "doubtful" => Begin::Doubtful,
            "full" => Begin::Full,
            _ => return Err(reply.strange()),
        })
    }

    async fn finish(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        outcome: &[u8],
    ) -> Result<Finish, Error> {
        let limits = &self.inner.bounds;
        // What can't be kept is not sent either: one byte over the bound says as much.
        let sent = &outcome[..outcome.len().min(limits.journal_bytes.saturating_add(1))];
        let request = Request::script(&scripts::FINISH, &self.inner.keys.session(session))
            .arg(request)
            .arg(pod.as_str())
            .arg(sent)
            .arg(limits.journal_bytes)
            .arg(limits.journal_age_ms);
        let mut reply = self.script(request).await?;
        Ok(match reply.plain_word() {
            "stored" => Finish::Stored { holder: reply.pod()? },
            "forgotten" => Finish::Forgotten { holder: reply.pod()? },
            "notowner" => Finish::NotOwner,
            "unknown" => Finish::Unknown,
            _ => return Err(reply.strange()),
        })
    }

    async fn take_over(
        &self,
        session: SessionId,
        epoch: Epoch,
        request: &str,
        dead: &PodId,
        pod: &PodId,
    ) -> Result<Takeover, Error> {
        let request = Request::script(&scripts::TAKE_OVER, &self.inner.keys.session(session))
            .arg(epoch.0)
            .arg(request)
            .arg(dead.as_str())
            .arg(pod.as_str());
        let mut reply = self.script(request).await?;
        Ok(match reply.word()? {
            "taken" => Takeover::Taken { repeatable: reply.next::<u8>()? == 1 },
            "running" => Takeover::NotOwner { pod: reply.pod()? },
            "done" => Takeover::Done(reply.bytes()?),
            "forgotten" => Takeover::Forgotten,
            "none" => Takeover::Unknown,
            _ => return Err(reply.strange()),
        })
    }

    async fn acknowledge(&self, session: SessionId, epoch: Epoch, requests: &[&str]) -> Result<(), Error> {
        let keys = self.inner.keys.session(session);
        for requests in requests.chunks(CHUNK) {
            let request = Request::script(&scripts::ACKNOWLEDGE, &keys).arg(epoch.0).arg(requests);
            self.script(request).await?.word()?;
        }
        Ok(())
    }

    async fn acknowledge_all_but(
        &self,
        session: SessionId,
        epoch: Epoch,
        unanswered: &[&str],
    ) -> Result<(), Error> {
        let keys = self.inner.keys.session(session);
        let request = Request::script(&scripts::ACKNOWLEDGE_ALL_BUT, &keys).arg(epoch.0).arg(unanswered);
        self.script(request).await?.word().map(|_| ())
    }

    async fn withdraw(&self, session: SessionId, request: &str, pod: &PodId, made: u64) -> Result<(), Error> {
        let keys = self.inner.keys.session(session);
        let request =
            Request::script(&scripts::WITHDRAW, &keys).arg(request).arg(pod.as_str()).arg(attempt(made));
        self.script(request).await?.word().map(|_| ())
    }

    async fn lookup(&self, session: SessionId, requests: &[&str]) -> Result<Vec<Option<Entry>>, Error> {
        let [_, calls, _] = self.inner.keys.session(session);
        let mut entries = Vec::with_capacity(requests.len());
        for requests in requests.chunks(CHUNK) {
            let request = Request::command("HMGET").arg(&calls).arg(requests);
            let slots: Vec<Option<Bytes>> = self.inner.link.run(request).await?;
            for slot in slots {
                entries.push(slot.map(entry).transpose()?);
            }
        }
        Ok(entries)
    }
}

fn attempt(number: u64) -> String {
    format!("{number:016x}")
}

fn entry(slot: Bytes) -> Result<Entry, Error> {
    let bad = || damaged("a call of a journal");
    match slot.first() {
        Some(b'R') if slot.len() > 18 => {
            let pod = std::str::from_utf8(&slot[18..]).map_err(|_| bad())?;
            Ok(Entry::Running { pod: PodId::new(pod)?, repeatable: slot[1] == b'1' })
        }
        Some(b'D') => Ok(Entry::Done(slot.slice(1..))),
        Some(b'F') => Ok(Entry::Forgotten),
        _ => Err(bad()),
    }
}

impl RedisStore {
    pub(super) async fn script(&self, request: Request) -> Result<Reply, Error> {
        Reply::parse(self.inner.link.run(request).await?)
    }
}
