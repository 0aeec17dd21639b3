//! The way of a connection out of a pod that drains.

use super::{Connection, Phase};
use crate::session::Exchange;
use crate::shard::Shard;
use crate::wheel::Tick;
use crate::wire::Wire;
use std::rc::Rc;

impl Connection {
    /// Tells the client that the pod drains.
    pub(super) fn migrate(&mut self, shard: &Rc<Shard>, zlib: &mut Vec<u8>, out: &mut Vec<u8>) {
        if self.phase == Phase::Open && self.wire != Wire::Echo {
            let delay = self.reconnect_delay_ms();
            let mut outbox = self.outbox(shard, zlib, out);
            self.session.migrate(&mut outbox, delay);
            self.session.end_listening(&mut Exchange::new(shard, &self.peer, outbox, true));
        }
    }

    /// After how long the client should come back. One whose session goes on was told to go in its turn, and comes at
    /// once; the others are spread.
    pub(super) fn reconnect_delay_ms(&self) -> u64 {
        if self.session.is_resumable() { 0 } else { self.shard.pod.reconnect_delay_ms() }
    }

    /// Whether the pod drains and the session goes on at another.
    pub(super) fn is_leaving(&self) -> bool {
        self.draining.is_some() && self.session.is_resumable()
    }

    /// Whether a connection of a draining pod has done what it had to.
    pub(super) fn may_go(&self, now: Tick) -> bool {
        let Some(since) = self.draining else { return false };
        if self.session.is_waiting() {
            return false;
        }
        if self.session.is_resumable() {
            // Calls that still run go on, and their results find the session.
            return self.session.is_idle() || now >= since.after(self.shard.terms().config.drain.grace_ms);
        }
        self.session.is_idle() && self.unfinished.is_none() && self.unread.is_empty()
    }
}
