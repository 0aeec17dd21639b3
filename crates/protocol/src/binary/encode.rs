//! Writes binary messages.

use super::{HEADER_LEN, Header, flags};
use crate::{Id, Kind, Outgoing, text};

/// Whether the method has to be named in the payload.
fn is_named(message: &Outgoing<'_>) -> bool {
    match message.kind {
        _ if message.compressed => false,
        Kind::Request => message.method_code == 0 || message.meta.is_some_and(|meta| !meta.is_empty()),
        Kind::Notification => message.method_code == 0,
        _ => false,
    }
}

fn payload_len(message: &Outgoing<'_>) -> usize {
    match message.kind {
        Kind::Ping | Kind::Pong => 0,
        _ if is_named(message) => text::named_call_len(message),
        Kind::Response | Kind::Error if message.body.is_empty() => b"null".len(),
        _ => message.body.len(),
    }
}

pub(crate) fn encoded_len(message: &Outgoing<'_>) -> usize {
    HEADER_LEN + payload_len(message)
}

pub(crate) fn encode(message: &Outgoing<'_>, out: &mut Vec<u8>) {
    let sequence_id = match message.kind {
        Kind::Notification => message.seq.unwrap_or(0),
        _ => match message.id {
            Some(Id::Sequence(number)) => number,
            Some(Id::Token(token)) => token.parse().unwrap_or(0),
            None => 0,
        },
    };
    let named = is_named(message);
    let method = if named { 0 } else { message.method_code };
    let size = payload_len(message);
    // A payload of 4 GiB can't come to be: results and params are limited to a few MiB.
    let data_size = u32::try_from(size).unwrap_or(u32::MAX);
    let mut header = Header::new(message.kind, sequence_id, method, data_size);
    if message.compressed && !message.body.is_empty() {
        header.flags = flags::COMPRESSED;
    }
    out.reserve(HEADER_LEN + size);
    out.extend_from_slice(&header.encode());
    match message.kind {
        Kind::Ping | Kind::Pong => {}
        _ if named => text::write_named_call(message, out),
        Kind::Response | Kind::Error if message.body.is_empty() => out.extend_from_slice(b"null"),
        _ => out.extend_from_slice(&message.body),
    }
}
