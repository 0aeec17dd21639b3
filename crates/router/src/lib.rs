//! Where a call goes: handler table, replicas, balancing, deadlines, retries. It knows no client
//! connection, no session and no token.

mod address;
mod answer;
mod arrival;
mod balance;
mod bodies;
mod budget;
mod call;
mod calls;
mod codec;
mod conflict;
mod connection;
mod core;
mod deadlines;
mod describe;
mod dial;
mod error;
mod failure;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod handler;
mod health;
mod judge;
mod link;
mod links;
mod loss;
mod mcp;
mod names;
mod options;
mod outbox;
mod random;
mod router;
mod seen;
mod stats;
mod table;
mod unary;
mod wheel;
mod wire;

pub use address::normalise;
pub use call::{Call, CallKey, Caller, Event, Sink};
pub use conflict::{Conflict, Reason};
pub use describe::describe;
pub use dial::Dialer;
pub use error::Error;
pub use failure::Failure;
pub use handler::{Annotations, Handler, Kind};
pub use health::{Health, watch};
pub use link::Condition;
pub use mcp::Mcp;
pub use options::Options;
pub use router::Router;
pub use seen::Seen;
pub use stats::Stats;
pub use table::Table;
pub use transport::{ClientFiles, TlsError};
