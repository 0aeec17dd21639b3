//! Decides which traces are kept, and takes spans that have ended. It never waits: a span that finds the queue full is
//! dropped and counted.

use super::context::Context;
use super::random;
use super::span::{Open, Span};
use crate::Pod;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::Sender;

/// The way of spans to the exporter. Clones are cheap and share it; that which is off takes nothing.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    /// Of all traces that begin here those are kept whose number is below.
    below: u128,
    queue: Sender<Span>,
    counts: Arc<Pod>,
}

impl Tracer {
    pub(super) fn new(ratio: f64, queue: Sender<Span>, counts: Arc<Pod>) -> Self {
        // As a share of all numbers of 64 bits; all of them for 1.
        let below = (ratio.clamp(0.0, 1.0) * 2f64.powi(64)) as u128;
        Self(Some(Arc::new(Inner { below, queue, counts })))
    }

    /// Whether anything is traced.
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A span that begins now: below `parent`, which decides whether it is kept, or the first of a trace, for which the
    /// ratio does.
    #[inline]
    pub fn begin(&self, parent: Option<Context>) -> Open {
        if let Some(parent) = parent {
            return Open::below(parent);
        }
        let (high, low) = (random::id(), random::next());
        let sampled = self.0.as_ref().is_some_and(|inner| u128::from(low) < inner.below);
        let trace = u128::from(high) << 64 | u128::from(low);
        let context = Context { trace, span: random::id(), sampled };
        Open { context, parent: 0, is_remote: false, started: Instant::now() }
    }

    /// Takes a span that has ended, whether it was sampled or not.
    pub fn tell(&self, span: Span) {
        if let Some(inner) = &self.0
            && inner.queue.try_send(span).is_err()
        {
            inner.counts.spans_dropped.increment();
        }
    }
}
