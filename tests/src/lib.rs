//! The harness: one way to start a gateway, raw clients that say every byte themselves, and a look at what
//! the gateway counts. It refuses to use any WebSocket library: what is tested must not test itself.

mod backends;
mod binary;
pub mod chaos;
mod client;
mod contexts;
mod counter;
mod draft;
mod endpoints;
mod frame;
mod gateway;
mod http;
mod keys;
mod metrics;
mod pods;
mod postgres;
mod process;
mod redis;
mod request;
mod response;
mod session;
mod socket;
mod usage;
mod wait;

pub use backends::Tools;
pub use binary::{Flags, Packet, Type};
pub use client::Client;
pub use contexts::Contexts;
pub use counter::Counter;
pub use draft::{Draft, Opcode};
pub use endpoints::Endpoints;
pub use frame::Frame;
pub use gateway::Gateway;
pub use http::{Http, Sent};
pub use keys::Keys;
pub use metrics::Metrics;
pub use pods::Pods;
pub use postgres::Postgres;
pub use process::Process;
pub use redis::Redis;
pub use request::Request;
pub use response::Response;
pub use session::Session;
pub use socket::{Received, Socket};
pub use usage::Usage;
pub use wait::{PATIENCE, until, until_within};
