//! A load generator for gateways: connections, messages at a rate or as fast as they are answered, latencies that leave nothing
//! out, and reports of them. It refuses to know what a gateway is made of: it sees sockets.

mod answer;
mod clock;
mod connection;
mod control;
mod dial;
mod driver;
mod environment;
mod error;
mod frame;
mod handshake;
mod outcome;
mod pace;
mod part;
mod pending;
mod plan;
mod report;
mod run;
mod signer;
mod stream;
mod tally;
mod target;
mod text;
mod timer;
mod tls;
mod traffic;
mod view;

pub use control::Stop;
pub use environment::Environment;
pub use error::Error;
pub use outcome::{
    Connections, Events, Failure, Generator, Latency, Messages, Outcome, Parameters, SCHEMA, Second, Storm,
};
pub use plan::{Message, Plan, Scenario};
pub use report::{Run, html};
pub use run::run;
pub use target::Target;
pub use tls::tls;
