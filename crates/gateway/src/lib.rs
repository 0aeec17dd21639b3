//! The house itself: config, shards, HTTP, WebSocket, sessions, drain, admin. The way of a message is
//! `connection` → `ws` → `session` → the router's crate, and back.

mod access;
mod audit;
pub mod cli;
pub mod config;
mod connection;
mod control;
mod door;
mod fanout;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gateway;
mod http;
mod inquiry;
mod kept;
mod limits;
mod listing;
mod logging;
mod mail;
mod mcp;
mod measure;
mod outcome;
mod patience;
mod platform;
mod pod;
mod reload;
mod rest;
mod revoked;
mod session;
mod shard;
mod sizes;
mod stream;
mod survey;
mod tasks;
mod terms;
mod tls;
mod trace;
mod wheel;
mod wire;
mod ws;

pub use config::Config;
pub use gateway::{Error, Gateway};
pub use reload::Reload;
pub use tls::TlsError;
