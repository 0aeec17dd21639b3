//! The words of Model Context Protocol: JSON-RPC messages, versions, `_meta`, errors, and what turns a message of one era
//! into one of the other. No I/O and no runtime; payloads are carried as they were written, and what must change in them is
//! cut out of the text.
//!
//! Sections that are cited without a version are those of the specification of 2026-07-28.

pub mod cursor;
pub mod edit;
pub mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod id;
pub mod message;
pub mod meta;
pub mod method;
pub mod text;
pub mod tool;
pub mod translate;
mod version;
pub mod write;

pub use edit::Edit;
pub use error::Error;
pub use id::{Id, raw_id, read_id};
pub use message::{Message, Rejection};
pub use meta::Meta;
pub use version::{Era, Version};
