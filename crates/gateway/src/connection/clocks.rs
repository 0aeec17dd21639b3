//! The clocks of a connection: what it waits for, and for how long.

use super::{Connection, End, Phase};
use crate::shard::Shard;
use crate::wheel::Tick;
use protocol::CloseCode;
use std::rc::Rc;

/// How long the space of calls is kept for the next one.
const REST_MS: u64 = 1_000;

impl Connection {
    pub(super) fn count_ping(&mut self, now: Tick, shard: &Shard) -> Option<(CloseCode, String)> {
        const WINDOW_S: u32 = 10;
        if now >= self.pings_since.after(u64::from(WINDOW_S) * 1_000) {
            (self.pings, self.pings_since) = (0, now);
        }
        self.pings += 1;
        let most = shard.terms().config.websocket.max_pings_per_second;
        (self.pings > most.saturating_mul(WINDOW_S))
            .then(|| (CloseCode::Flooding, format!("more than {most} pings a second")))
    }

    /// Looks at every clock of the connection.
    pub(super) fn check_clocks(&mut self, now: Tick, out: &mut Vec<u8>) -> Result<(), End> {
        self.session.rest();
        let shard = Rc::clone(&self.shard);
        self.session.prolong(&self.peer, &shard);
        let terms = shard.terms();
        let websocket = &terms.config.websocket;
        let passed = |since: Tick, limit_ms: u64| now >= since.after(limit_ms);
        if self.unsent(out) > 0 && passed(self.write_at, websocket.write_timeout_ms) {
            return Err(End::TimedOut("output was not read in time"));
        }
        if let Phase::Closing { since, .. } = self.phase {
            return if passed(since, websocket.close_timeout_ms) {
                Err(End::TimedOut("the close was not answered in time"))
            } else {
                Ok(())
            };
        }
        if self.unsent(out) > 0 {
            // A peer that takes what is written is alive, also while nothing is read from it.
            (self.read_at, self.pinged_at) = (now, None);
        }
        if self.decoder.since().is_some_and(|since| passed(since, websocket.message_timeout_ms)) {
            self.close(out, CloseCode::PolicyViolation, "the message did not come whole in time");
        } else if now >= self.session.expiry() {
            self.close(out, CloseCode::Unauthorized, "the token has expired");
        } else if let Some(pinged_at) = self.pinged_at {
            if passed(pinged_at, websocket.pong_timeout_ms) {
                return Err(End::TimedOut("a ping was not answered in time"));
            }
        } else if passed(self.read_at, websocket.ping_interval_ms) {
            self.pinged_at = Some(now);
            self.ping(out);
        } else if self.session.wants_ping(now) {
            self.ping(out);
        }
        Ok(())
    }

    /// Writes a ping whose pong says how far the client has read.
    pub(super) fn ping(&mut self, out: &mut Vec<u8>) {
        let number = self.peer.write_ping(out);
        self.session.pinged(number);
    }

    /// Arms the shard's clock for the nearest time at which something is to be looked at.
    pub(super) fn arm(&self) {
        let terms = self.shard.terms();
        let websocket = &terms.config.websocket;
        let mut next = match (self.phase, self.pinged_at) {
            (Phase::Closing { since, .. }, _) => since.after(websocket.close_timeout_ms),
            (Phase::Open, Some(pinged_at)) => pinged_at.after(websocket.pong_timeout_ms),
            (Phase::Open, None) => self.read_at.after(websocket.ping_interval_ms),
        };
        if self.unsent(&self.output) > 0 {
            next = next.min(self.write_at.after(websocket.write_timeout_ms));
        }
        if self.session.could_rest() {
            next = next.min(self.shard.now().after(REST_MS));
        }
        if let Some(since) = self.decoder.since() {
            next = next.min(since.after(websocket.message_timeout_ms));
        }
        if let Some(since) = self.draining.filter(|_| self.is_leaving()) {
            next = next.min(since.after(self.shard.terms().config.drain.grace_ms));
        }
        self.shard.arm(&self.peer, next.min(self.session.expiry()).min(self.session.due()));
    }
}
