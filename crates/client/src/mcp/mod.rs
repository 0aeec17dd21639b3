//! The client as one of Model Context Protocol: the same connections, tokens, heartbeats and reconnects, with JSON-RPC on
//! them, in either era. Knows nothing of what servers offer.
//!
//! ```no_run
//! # async fn run() -> Result<(), client::Error> {
//! use client::mcp::{Asked, Refusal};
//! use client::{Client, Update};
//! use serde_json::json;
//!
//! let client = Client::builder("wss://one.example/mcp")
//!     .endpoint("wss://two.example/mcp")
//!     .token("…")
//!     .name("my-agent")
//!     .mcp()
//!     .capabilities(json!({"elicitation": {}}))
//!     .on_request(async |asked: Asked| match &*asked.method {
//!         "elicitation/create" => Ok(json!({"action": "decline"})),
//!         _ => Err(Refusal::unknown(&asked)),
//!     })
//!     .connect()
//!     .await?;
//! let mut call = client.call("tools/call", json!({"name": "sleep", "arguments": {"ms": 500}})).await?;
//! while let Some(update) = call.next().await {
//!     if let Update::Progress(progress) = update {
//!         eprintln!("{}", progress.progress);
//!     }
//! }
//! // The pod may have died meanwhile: the result is that of the one execution all the same.
//! println!("{}", call.result().await?);
//! client.close().await;
//! # Ok(())
//! # }
//! ```

mod asking;
mod builder;
mod client;
mod hearing;
mod speech;

pub use asking::{Asked, Refusal};
pub use builder::Builder;
pub use client::Client;

pub(crate) use asking::Desk;
pub(crate) use speech::Speech;
