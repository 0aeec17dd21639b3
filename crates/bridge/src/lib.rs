//! Servers of Model Context Protocol as one backend of gateways: children on this machine and servers reached by HTTP, of both
//! eras of the protocol, whose tools, resources and prompts are offered together. It knows no client and no session of a
//! gateway but by the calls that come.
//!
//! Inside of the platform everything is of the modern era (2026-07-28); what a legacy server needs is translated here. Payloads
//! are carried as they were written.

mod backoff;
mod calls;
mod catalog;
mod conversation;
mod described;
mod error;
mod farewell;
mod federation;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod instance;
mod level;
mod link;
mod methods;
mod names;
mod offers;
mod server;
mod service;
mod settings;
mod supervise;
mod tasks;
mod waiting;

pub use error::Error;
pub use service::Service;
pub use settings::{Era, Partial, Per, Prefix, Secrets, Server, Settings};
pub use supervise::supervise;
