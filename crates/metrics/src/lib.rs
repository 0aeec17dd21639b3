//! Every instrument of the gateway, named once, and their text for a scraper; and traces, on their way to a collector. Knows
//! nothing of who counts.
//!
//! Each shard counts for itself and is the only writer of its counters; a scrape sums them. Label values
//! come from closed sets, so no client can add a time series.

mod counter;
mod histogram;
mod http;
mod pod;
mod shard;
mod spans;
mod text;
pub mod trace;

pub use counter::Counter;
pub use histogram::{Histogram, LATENCY_BUCKETS};
pub use http::{Requests, Route};
pub use pod::{Pod, RegistryRefusal};
pub use shard::{Limit, Refusal, Resume, Shard, Unsigned};
pub use spans::Spans;
pub use text::Exposition;
