//! The context service: a backend that keeps contexts, finds them, and tells their changes as events. It knows
//! tenants and databases, and neither sockets nor sessions.

mod change;
mod context;
mod contexts;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod labels;
mod limits;
mod merge;
mod methods;
mod outbox;
mod page;
mod postgres;
mod service;
mod settings;
mod snippet;
mod sqlite;
mod tasks;
mod time;
mod words;

pub use error::Error;
pub use service::Service;
pub use settings::{Database, Settings};
