//! The span that a piece of work is for, known to whoever does a part of it without being told. For work that passes
//! through rooms which refuse to know each other.

use super::Context;
use super::span::Open;
use super::tracer::Tracer;
use std::cell::RefCell;
use std::pin::Pin;
use std::task::{self, Poll};

thread_local! {
    static CURRENT: RefCell<Option<(Tracer, Context)>> = const { RefCell::new(None) };
}

/// A piece of work for a span that is kept.
#[derive(Debug)]
pub struct Scope<F> {
    within: Option<(Tracer, Context)>,
    work: Pin<Box<F>>,
}

impl<F: Future> Scope<F> {
    /// Work whose parts are spans below `open`, if that is kept.
    pub fn new(tracer: &Tracer, open: &Open, work: F) -> Self {
        let within = open.is_sampled().then(|| (tracer.clone(), open.context()));
        Self { within, work: Box::pin(work) }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let Some(within) = self.within.take() else { return self.work.as_mut().poll(cx) };
        let outer = CURRENT.replace(Some(within));
        let polled = self.work.as_mut().poll(cx);
        self.within = CURRENT.replace(outer);
        polled
    }
}

/// A part of the span that is worked for, which begins now, and where it is told; `None` outside of any.
pub fn current() -> Option<(Tracer, Open)> {
    CURRENT.with_borrow(|current| current.as_ref().map(|(tracer, of)| (tracer.clone(), Open::within(*of))))
}
