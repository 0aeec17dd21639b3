//! What is revoked, in Redis: a sorted set by the end of each, and the list's version beside it.
use std::time::Duration;

use redis::Value;

use super::link::Request;
use super::reply::Reply;
use super::{RedisStore, milliseconds, scripts};
use crate::revocations::check;
use crate::{Error, LogEpoch, Revocation, Revocations, Revoked};

impl Revocations for RedisStore {
    async fn revoke(&self, revocation: &Revocation) -> Result<(), Error> {
        check(revocation)?;
        let limit = self.inner.bounds.revocations;
        let request = Request::script(&scripts::REVOKE, &self.inner.keys.revocations())
            .arg(&revocation.subject)
            .arg(milliseconds(revocation.ttl))
            .arg(limit)
            .arg(LogEpoch::fresh()?.to_string());
        let reply = Reply::parse(self.inner.link.run(request).await?)?;
        match reply.plain_word() {
            "ok" => {
                let (command, channel) = (self.inner.publish_command(), self.inner.keys.revocation_news());
                // A pod that does not hear of it looks now and then.
                self.inner.link.run(Request::command(command).arg(channel).arg("")).await
            }
            "full" => Err(Error::Full { limit }),
            _ => Err(reply.strange()),
        }
    }

    async fn revoked(&self, known: Option<&str>) -> Result<Option<Revoked>, Error> {
        let keys = self.inner.keys.revocations();
        if let Some(known) = known {
            let request = Request::command("GET").arg(&keys[1]);
            let version = self.inner.link.run::<Option<String>>(request).await?;
            if version.unwrap_or_default() == known {
                return Ok(None);
            }
        }
        let request = Request::script(&scripts::REVOKED, &keys);
        let mut reply = Reply::parse(self.inner.link.run(request).await?)?;
        if reply.plain_word() != "ok" {
            return Err(reply.strange());
        }
        let (version, entries): (String, Vec<Value>) = (reply.next()?, reply.next()?);
        let mut entries = Reply::of(entries);
        let mut revocations = Vec::new();
        while !entries.is_empty() {
            let (subject, left): (String, u64) = (entries.next()?, entries.next()?);
            revocations.push(Revocation { subject, ttl: Duration::from_millis(left) });
        }
        Ok(Some(Revoked { version, revocations }))
    }

    async fn revocations_changed(&self) {
        self.inner.revoked.notified().await;
    }
}
