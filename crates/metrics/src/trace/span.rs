//! A span while it is under way, which is a time and ids, and once it has ended, which is all that a collector is told.

use super::context::Context;
use super::random;
use opentelemetry::trace::SpanKind;
use opentelemetry::{KeyValue, Value};
use std::borrow::Cow;
use std::time::Instant;

/// On which side of a conversation a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers somebody.
    Server,
    /// It asks somebody.
    Client,
    /// Neither.
    Internal,
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Client => Self::Client,
            Kind::Internal => Self::Internal,
        }
    }
}

/// A span that has begun. It is nothing but numbers, so it may be dropped, copied and forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    pub(super) context: Context,
    /// The span that it is a part of; 0 for none.
    pub(super) parent: u64,
    /// That one is another process's.
    pub(super) is_remote: bool,
    pub(super) started: Instant,
}

impl Open {
    /// A span that begins now below one of another process.
    pub fn below(parent: Context) -> Self {
        Self { is_remote: true, ..Self::within(parent) }
    }

    /// A span that begins now below one of this process.
    pub fn within(parent: Context) -> Self {
        let context = Context { span: random::id(), ..parent };
        Self { context, parent: parent.span, is_remote: false, started: Instant::now() }
    }

    /// A part of this span, which begins now.
    pub fn part(&self) -> Self {
        Self::within(self.context)
    }

    /// What those who go on with the trace are told.
    pub const fn context(&self) -> Context {
        self.context
    }

    /// The span that it is a part of, as its other parts know it; `None` for the first of a trace.
    pub fn whole(&self) -> Option<Self> {
        let context = Context { span: self.parent, ..self.context };
        (self.parent != 0).then_some(Self { context, parent: 0, is_remote: false, ..*self })
    }

    /// Whether it is kept however it ends.
    pub const fn is_sampled(&self) -> bool {
        self.context.sampled
    }

    /// The same, begun at this time.
    pub const fn since(self, started: Instant) -> Self {
        Self { started, ..self }
    }
}

/// A span that has ended.
#[derive(Debug)]
pub struct Span {
    pub(super) open: Open,
    pub(super) kind: Kind,
    pub(super) name: Cow<'static, str>,
    pub(super) ended: Instant,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) links: Vec<Context>,
    pub(super) error: Option<Cow<'static, str>>,
}

impl Span {
    /// The most links that a span has.
    pub const LINKS: usize = 128;

    /// A span that ends now.
    pub fn new(open: Open, kind: Kind, name: impl Into<Cow<'static, str>>) -> Self {
        let (attributes, links) = (Vec::new(), Vec::new());
        Self { open, kind, name: name.into(), ended: Instant::now(), attributes, links, error: None }
    }

    /// The same, ended at this time.
    #[must_use]
    pub fn until(mut self, ended: Instant) -> Self {
        self.ended = ended;
        self
    }

    /// Adds a text. Nobody's secrets, and nothing of what a client asked or was answered.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let value = match value.into() {
            Cow::Borrowed(text) => Value::from(text),
            Cow::Owned(text) => Value::from(text),
        };
        self.attributes.push(KeyValue::new(name, value));
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, value: impl TryInto<i64>) -> Self {
        self.attributes.push(KeyValue::new(name, value.try_into().unwrap_or(i64::MAX)));
        self
    }

    /// Names another span that it has to do with. Only so many as [`Self::LINKS`] are kept.
    #[must_use]
    pub fn link(mut self, to: Context) -> Self {
        if self.links.len() < Self::LINKS {
            self.links.push(to);
        }
        self
    }

    /// It failed, by an error of this kind.
    #[must_use]
    pub fn failed(mut self, kind: impl Into<Cow<'static, str>>) -> Self {
        let kind = kind.into();
        self.error = Some(kind.clone());
        self.text("error.type", kind)
    }
}
