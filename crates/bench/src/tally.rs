//! What one thread has counted in one second. Tallies of all threads and seconds add up to those of the run.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// Latencies in nanoseconds, to three digits.
pub(crate) type Nanos = Histogram<u64>;

/// A histogram that grows with what it is given.
pub(crate) fn nanos() -> Nanos {
    // Three digits are within its bounds, which are one to five.
    Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are few"))
}

/// Puts a value in.
#[inline]
pub(crate) fn record(into: &mut Nanos, value: u64) {
    // It grows, so that nothing is out of bounds.
    let _ = into.record(value);
}

/// Of one kind of message.
#[derive(Clone, Debug)]
pub(crate) struct PartTally {
    /// Requests that were sent, the warm-up's too.
    pub(crate) sent: u64,
    /// Right answers, the warm-up's too.
    pub(crate) answered: u64,
    /// Right answers that came while it was measured.
    pub(crate) measured: u64,
    /// Answers that were errors, or wrong.
    pub(crate) failed: u64,
    /// Requests without an answer: their connection was lost, or patience was over.
    pub(crate) unanswered: u64,
    /// From when a request was due to its right answer, for those that were due while it was measured.
    pub(crate) latency: Nanos,
}

impl PartTally {
    fn new() -> Self {
        Self { sent: 0, answered: 0, measured: 0, failed: 0, unanswered: 0, latency: nanos() }
    }
}

/// A second of a thread.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Connections that were dialled, opened, came to nothing, and ended by themselves after they were open.
    pub(crate) dialled: u64,
    pub(crate) opened: u64,
    pub(crate) refused: u64,
    pub(crate) lost: u64,
    /// Sessions that can be resumed.
    pub(crate) resumable: u64,
    /// From the dial to the 101, and to the session.
    pub(crate) upgrade: Nanos,
    pub(crate) session: Nanos,
    pub(crate) parts: Vec<PartTally>,
    /// Messages that were due and never sent.
    pub(crate) unsent: u64,
    /// The most that a message was sent after it was due.
    pub(crate) late: u64,
    /// Events that came, and those that were to come.
    pub(crate) delivered: u64,
    pub(crate) expected: u64,
    pub(crate) delivery: Nanos,
    /// Pings of RFC 6455 that came.
    pub(crate) pings: u64,
    /// After all were dropped: from then until each was back; in its old session, and in a new one.
    pub(crate) back: Nanos,
    pub(crate) dropped: u64,
    pub(crate) resumed: u64,
    pub(crate) renewed: u64,
    /// What went wrong: how often, and what was said the first time.
    pub(crate) errors: BTreeMap<String, (u64, String)>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    /// CPU time of the thread while it was measured.
    pub(crate) cpu: u64,
}

impl Tally {
    /// Nothing yet, for so many kinds of messages.
    pub(crate) fn new(parts: usize) -> Self {
        Self {
            dialled: 0,
            opened: 0,
            refused: 0,
            lost: 0,
            resumable: 0,
            upgrade: nanos(),
            session: nanos(),
            parts: (0..parts).map(|_| PartTally::new()).collect(),
            unsent: 0,
            late: 0,
            delivered: 0,
            expected: 0,
            delivery: nanos(),
            pings: 0,
            back: nanos(),
            dropped: 0,
            resumed: 0,
            renewed: 0,
            errors: BTreeMap::new(),
            bytes_sent: 0,
            bytes_received: 0,
            cpu: 0,
        }
    }

    /// Something went wrong.
    pub(crate) fn error(&mut self, kind: impl Into<String>, told: impl Into<String>) {
        self.errors.entry(kind.into()).or_insert_with(|| (0, told.into())).0 += 1;
    }

    /// Adds another one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.dialled += other.dialled;
        self.opened += other.opened;
        self.refused += other.refused;
        self.lost += other.lost;
        self.resumable += other.resumable;
        for (part, other) in self.parts.iter_mut().zip(&other.parts) {
            part.sent += other.sent;
            part.answered += other.answered;
            part.measured += other.measured;
            part.failed += other.failed;
            part.unanswered += other.unanswered;
            merge(&mut part.latency, &other.latency);
        }
        self.unsent += other.unsent;
        self.late = self.late.max(other.late);
        self.delivered += other.delivered;
        self.expected += other.expected;
        self.pings += other.pings;
        self.dropped += other.dropped;
        self.resumed += other.resumed;
        self.renewed += other.renewed;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.cpu += other.cpu;
        for (into, from) in [
            (&mut self.upgrade, &other.upgrade),
            (&mut self.session, &other.session),
            (&mut self.delivery, &other.delivery),
            (&mut self.back, &other.back),
        ] {
            merge(into, from);
        }
        for (kind, (count, told)) in &other.errors {
            self.errors.entry(kind.clone()).or_insert_with(|| (0, told.clone())).0 += count;
        }
    }

    /// The latencies of all kinds of messages; of events where those are what is waited for, of handshakes where there
    /// is nothing else.
    pub(crate) fn foremost(&self) -> Nanos {
        let mut all = nanos();
        if !self.delivery.is_empty() {
            merge(&mut all, &self.delivery);
            return all;
        }
        for part in &self.parts {
            merge(&mut all, &part.latency);
        }
        if all.is_empty() {
            merge(&mut all, if self.back.is_empty() { &self.session } else { &self.back });
        }
        all
    }

    /// How often something went wrong.
    pub(crate) fn failures(&self) -> u64 {
        self.errors.values().map(|(count, _)| count).sum()
    }
}

fn merge(into: &mut Nanos, from: &Nanos) {
    // Both grow with what they are given, so that nothing is out of bounds.
    let _ = into.add(from);
}
