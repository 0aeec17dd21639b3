//! What tickets stand for, in one process.
use std::time::Duration;

use super::MemoryStore;
use crate::mailbox::lock;
use crate::tickets::check;
use crate::{Error, Ticket, Tickets};

impl Tickets for MemoryStore {
    async fn keep(&self, ticket: &Ticket, what: &[u8], ttl: Duration) -> Result<(), Error> {
        check(what)?;
        lock(&self.inner.tickets).insert(ticket.name(), what.into(), ttl)
    }

    async fn take(&self, ticket: &Ticket) -> Result<Option<Vec<u8>>, Error> {
        let (name, mut tickets) = (ticket.name(), lock(&self.inner.tickets));
        let found = tickets.find(&name).map(std::mem::take);
        tickets.remove(&name);
        Ok(found)
    }
}
