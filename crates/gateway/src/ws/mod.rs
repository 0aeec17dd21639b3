//! WebSocket frames, RFC 6455: bytes in, messages out, and back. Knows no socket and no session.

mod assembly;
mod decoder;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod head;
mod violation;

pub(crate) use assembly::{Assembly, Spare};
pub(crate) use decoder::{Decoder, Incoming, Rules};
pub(crate) use head::{write_close, write_head};
pub(crate) use violation::Violation;
