//! Distributed traces: contexts as they travel, spans as they end, and the way of both to a collector. The only home of
//! OpenTelemetry; it knows no message and no connection.
//!
//! Whether a trace is kept is decided at its head, before anything of a span is made: a message that is not kept costs a
//! time and three random numbers.

mod collector;
mod context;
mod exporter;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod headers;
mod http;
mod random;
mod resource;
mod scope;
mod settings;
mod span;
mod tracer;

pub use context::{Context, Traceparent};
pub use exporter::Exporter;
pub use headers::HeaderValue;
pub use resource::Process;
pub use scope::{Scope, current};
pub use settings::{Error, Protocol, Settings};
pub use span::{Kind, Open, Span};
pub use tracer::Tracer;
