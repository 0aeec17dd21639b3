//! What tickets stand for, in Redis: a key each, that runs out.
use std::time::Duration;

use super::link::Request;
use super::{RedisStore, milliseconds};
use crate::tickets::check;
use crate::{Error, Ticket, Tickets};

impl Tickets for RedisStore {
    async fn keep(&self, ticket: &Ticket, what: &[u8], ttl: Duration) -> Result<(), Error> {
        check(what)?;
        let key = self.inner.keys.ticket(&ticket.name());
        self.inner.link.run(Request::command("SET").arg(key).arg(what).arg("PX").arg(milliseconds(ttl))).await
    }

    async fn take(&self, ticket: &Ticket) -> Result<Option<Vec<u8>>, Error> {
        let key = self.inner.keys.ticket(&ticket.name());
        self.inner.link.run(Request::command("GETDEL").arg(key)).await
    }
}
