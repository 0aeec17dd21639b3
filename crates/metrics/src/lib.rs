//! Every instrument of the gateway, named once, and their text for a scraper; and traces, on their way to a collector. Knows
//! nothing of who counts.
//!
//! Each shard counts for itself and is the only writer of its counters; a scrape sums them. Label values
//! come from closed sets, or are names that backends registered up to a bound, so no client can add a time series.

pub mod catalogue;
mod clashes;
mod counter;
mod exemplar;
mod format;
mod histogram;
mod http;
mod names;
mod operations;
mod pod;
mod process;
mod replicas;
mod shard;
mod text;
mod tools;
pub mod trace;

pub use counter::{Counter, Gauge, Tally};
pub use exemplar::TraceId;
pub use format::Format;
pub use histogram::{Histogram, LATENCY_BUCKETS};
pub use http::{Requests, Route};
pub use names::Names;
pub use operations::{Operation, Operations};
pub use pod::{Drain, Pod, RegistryRefusal, Reload};
pub use replicas::ReplicaState;
pub use shard::{Limit, Refusal, Resume, Shard, Unsigned};
pub use text::Exposition;
pub use tools::{ToolOutcome, Tools};
