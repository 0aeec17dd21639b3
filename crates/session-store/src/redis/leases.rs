//! The leases of pods in Redis: a key each, that runs out.
use std::time::Duration;

use super::link::Request;
use super::{RedisStore, milliseconds};
use crate::{Error, Leases, PodId};

impl Leases for RedisStore {
    async fn acquire(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        let key = self.inner.keys.lease(pod);
        let request = Request::command("SET").arg(key).arg(1).arg("NX").arg("PX").arg(milliseconds(ttl));
        match self.inner.link.run::<Option<String>>(request).await? {
            Some(_) => Ok(()),
            None => Err(Error::Exists { what: "a living pod" }),
        }
    }

    async fn renew(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        let request = Request::command("PEXPIRE").arg(self.inner.keys.lease(pod)).arg(milliseconds(ttl));
        if self.inner.link.run::<bool>(request).await? {
            return Ok(());
        }
        Err(Error::Unknown { what: "the pod's lease" })
    }

    async fn release(&self, pod: &PodId) -> Result<(), Error> {
        self.inner.link.run(Request::command("UNLINK").arg(self.inner.keys.lease(pod))).await
    }

    async fn alive(&self, pod: &PodId) -> Result<bool, Error> {
        self.inner.link.run(Request::command("EXISTS").arg(self.inner.keys.lease(pod))).await
    }
}
