//! `mcp.v1`: JSON text frames. Knows nothing of sockets and of what methods mean.

mod encode;

pub(crate) use encode::{encode, encoded_len, named_call_len, write_named_call};

use crate::{Limits, Message, Rejection};

/// Decodes a text frame: one message, or a batch (an array of messages). `on` is called for each
/// in order. A batch is checked as a whole before its first message is delivered; a frame that is
/// not JSON, an empty batch and a batch over the limit are one rejection.
pub fn decode<'a>(text: &'a str, limits: &Limits, mut on: impl FnMut(Result<Message<'a>, Rejection<'a>>)) {
    let _ = (text, limits, &mut on);
}
