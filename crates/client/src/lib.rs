//! The client of a gateway: request, progress, cancel, subscribe, publish, over JSON or binary, and over as many
//! connections as that takes. Knows the wires by `protocol` and `mcp` alone and nothing of what the tools behind a gateway do.
//!
//! ```no_run
//! # async fn run() -> Result<(), client::Error> {
//! use serde_json::json;
//!
//! let client = client::Client::builder("ws://127.0.0.1:8080/ws").token("…").connect().await?;
//! let mut call = client.call("tool.execute", json!({"tool": "sleep", "args": {"ms": 500}})).await?;
//! while let Some(update) = call.next().await {
//!     eprintln!("{update:?}");
//! }
//! println!("{}", call.result().await?);
//!
//! let mut events = client.subscribe(["tool.*"]).await?;
//! client.publish("tool.wanted", json!({"tool": "sleep"})).await?;
//! println!("{:?}", events.next().await);
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! A connection that is lost is made again, with backoff and jitter, and the session is resumed: see [`Client`] for what
//! that means for requests, [`Subscription`] for events, [`Reconnect`] for the pace and [`State`] to watch it.
//!
//! [`mcp`] is the same for those who speak Model Context Protocol.

mod assembly;
mod builder;
mod call;
mod calls;
mod client;
mod connection;
mod control;
mod dispatch;
mod endpoint;
mod error;
mod event;
mod events;
mod greeting;
mod handshake;
mod heartbeat;
mod inbox;
mod lifecycle;
mod link;
pub mod mcp;
mod notification;
mod publish;
mod queue;
mod reader;
mod reconnect;
mod renewal;
mod request;
mod resubscription;
mod session;
mod shared;
mod signer;
mod state;
mod stream;
mod subscription;
mod tasks;
mod ticket;
mod tls;
mod token;
mod update;
mod verdict;
mod waiting;
mod wire;
mod writer;

pub use builder::Builder;
pub use call::Call;
pub use client::Client;
pub use error::Error;
pub use event::Event;
pub use notification::{Notification, Notifications};
pub use protocol::Format;
pub use publish::Published;
pub use reconnect::Reconnect;
pub use request::Request;
pub use session::{Server, Session};
pub use state::{State, States};
pub use subscription::Subscription;
pub use update::{Progress, Update};
