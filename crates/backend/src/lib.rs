//! What a backend author uses: handlers from plain functions, progress, cancel, events, registration.
//!
//! ```no_run
//! use backend::{Backend, Call, Serve, Tool};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Add { a: i64, b: i64 }
//!
//! # async fn run() -> Result<(), backend::Error> {
//! let mut running = Backend::new("calculator")
//!     .version("1.2")
//!     .tool(
//!         Tool::new("calc.add", |_call: Call, add: Add| async move { Ok(add.a + add.b) })
//!             .description("Adds two numbers.")
//!             .read_only()
//!             .idempotent(),
//!     )
//!     .serve(Serve { register_at: vec!["http://gateway:9091".into()], ..Serve::default() })
//!     .await?;
//! running.wait().await
//! # }
//! ```
//!
//! # Events
//!
//! A handler publishes with [`Call::publish`], to its caller's tenant, and whoever has no call with a
//! [`Publisher`]. Both go through the gateways of [`Serve::register_at`].
//!
//! # When a call ends early
//!
//! A call is cancelled when the gateway cancels it, drops its stream, or its deadline passes. Then, in
//! this order: the call's cancel signal fires (see [`Call::cancelled`], for work that was spawned or sent to
//! a blocking thread), the handler's future is dropped at the await where it stands (its drop guards run),
//! and the caller is told. A handler that needs nothing but its future to be dropped need not care.

mod answer;
mod backend;
mod backoff;
mod call;
mod error;
mod events;
mod execution;
mod failure;
mod handler;
mod handlers;
mod health;
mod mcp;
mod memory;
mod multiplex;
mod names;
mod options;
mod outbox;
mod params;
mod promises;
mod publisher;
mod raw;
mod registration;
mod replacer;
mod running;
mod service;
mod sessions;
mod tasks;
mod token;
mod tool;

pub use answer::{Answer, Json};
pub use backend::Backend;
pub use call::Call;
pub use error::Error;
pub use failure::Failure;
pub use handler::Handler;
pub use mcp::Mcp;
pub use options::{Serve, Tls};
pub use params::Params;
pub use protocol::ErrorCode;
pub use publisher::{Published, Publisher};
pub use raw::Raw;
pub use replacer::Replacer;
pub use running::Running;
pub use sessions::Sessions;
pub use tool::Tool;
pub use transport::TlsError;
