//! A connection as a span, from its upgrade to its end, and the traces of the messages on it.

use super::part;
use crate::pod::Pod;
use auth::Identity;
use hyper::header::HeaderMap;
use metrics::trace::{Context, Kind, Open, Span, Tracer};
use protocol::Meta;
use std::fmt::Display;

/// A connection that is told, or that is within a trace whose messages are.
#[derive(Debug)]
pub(crate) struct Upgrade {
    open: Open,
    /// It came within a trace, and so do messages that say nothing else.
    is_within: bool,
    /// Other traces that its messages came with.
    others: Vec<Context>,
}

impl Upgrade {
    /// That which begins now; `None` if nothing is to be told of it.
    pub(crate) fn begin(tracer: &Tracer, headers: &HeaderMap) -> Option<Box<Self>> {
        if !tracer.is_on() {
            return None;
        }
        let parent = parent(headers);
        let open = tracer.begin(parent);
        let is_within = parent.is_some();
        (is_within || open.is_sampled()).then(|| Box::new(Self { open, is_within, others: Vec::new() }))
    }

    /// The way to who has come.
    pub(crate) async fn auth<T, E: Display>(
        this: Option<&Self>,
        tracer: &Tracer,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        part(tracer, this.map(|this| this.open), "auth", work).await
    }

    /// A message that comes now. Its own trace counts, else the connection's, else a new one.
    #[inline]
    pub(crate) fn message(this: Option<&mut Self>, meta: &Meta<'_>, tracer: &Tracer) -> Open {
        let own = meta.traceparent.as_deref().and_then(Context::parse);
        match (own, this) {
            (Some(own), Some(this)) => {
                this.note(own);
                Open::below(own)
            }
            (None, Some(this)) if this.is_within => this.open.part(),
            (own, _) => tracer.begin(own),
        }
    }

    fn note(&mut self, other: Context) {
        if self.open.is_sampled() && self.others.len() < Span::LINKS && !self.others.contains(&other) {
            self.others.push(other);
        }
    }

    /// It was refused, with this status.
    pub(crate) fn refused(self, pod: &Pod, status: u16) {
        if self.open.is_sampled() {
            pod.tracer
                .tell(self.span().number("http.response.status_code", status).failed(status.to_string()));
        }
    }

    /// It has ended.
    pub(crate) fn end(mut self, pod: &Pod, id: u64, holder: &Identity, close: Option<u16>) {
        if !self.open.is_sampled() {
            return;
        }
        let others = std::mem::take(&mut self.others);
        let mut span = self
            .span()
            .number("mcpw.connection", id)
            .text("mcpw.tenant", holder.tenant().to_owned())
            .text("mcpw.agent", holder.agent().to_owned());
        for other in others {
            span = span.link(other);
        }
        if let Some(code) = close {
            span = span.number("mcpw.close_code", code);
        }
        pod.tracer.tell(span);
    }

    fn span(&self) -> Span {
        Span::new(self.open, Kind::Server, "websocket")
            .text("network.protocol.name", "websocket")
            .text("network.transport", "tcp")
    }
}

/// The trace that a request comes with.
pub(super) fn parent(headers: &HeaderMap) -> Option<Context> {
    let mut values = headers.get_all("traceparent").iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Context::parse(value.to_str().ok()?.trim()),
        _ => None,
    }
}
