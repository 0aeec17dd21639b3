//! Writes `mcp.v1` envelopes, by hand: the parts are already JSON.

use crate::json::{string_len, write_string};
use crate::{Id, Kind, Meta, Outgoing};

/// Where the bytes of a message go: to a buffer, or only to a count.
trait Sink {
    fn raw(&mut self, bytes: &[u8]);
    fn string(&mut self, text: &str);
}

impl Sink for Vec<u8> {
    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn string(&mut self, text: &str) {
        write_string(text, self);
    }
}

struct Count(usize);

impl Sink for Count {
    fn raw(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn string(&mut self, text: &str) {
        self.0 += string_len(text);
    }
}

pub(crate) fn encoded_len(message: &Outgoing<'_>) -> usize {
    let mut count = Count(0);
    write(message, &mut count);
    count.0
}

pub(crate) fn encode(message: &Outgoing<'_>, out: &mut Vec<u8>) {
    // An envelope around a body takes less than this unless the id is long.
    out.reserve(message.body.len() + 96);
    write(message, out);
}

fn write(message: &Outgoing<'_>, out: &mut impl Sink) {
    out.raw(b"{");
    match message.id {
        Some(id) => {
            out.raw(b"\"id\":");
            write_id(id, out);
            out.raw(b",");
        }
        None if message.kind == Kind::Error => out.raw(b"\"id\":null,"),
        None => {}
    }
    match message.kind {
        Kind::Response => {
            out.raw(b"\"type\":1,\"result\":");
            out.raw(if message.body.is_empty() { b"null" } else { &message.body });
        }
        Kind::Error => {
            out.raw(b"\"type\":3,\"error\":");
            out.raw(if message.body.is_empty() { b"null" } else { &message.body });
        }
        Kind::Request => {
            out.raw(b"\"type\":0,");
            write_call(&message.method_name, &message.body, message.meta, out);
        }
        Kind::Notification => {
            out.raw(b"\"type\":2,");
            write_call(&message.method_name, &message.body, message.meta, out);
            if let Some(seq) = message.seq {
                out.raw(b",\"seq\":");
                out.raw(itoa::Buffer::new().format(seq).as_bytes());
            }
        }
        Kind::Ping => out.raw(b"\"type\":4"),
        Kind::Pong => out.raw(b"\"type\":5"),
    }
    out.raw(b"}");
}

/// Appends `"method":…,"params":…,"meta":…`, without braces.
fn write_call(name: &str, params: &[u8], meta: Option<&Meta<'_>>, out: &mut impl Sink) {
    out.raw(b"\"method\":");
    out.string(name);
    if !params.is_empty() {
        out.raw(b",\"params\":");
        out.raw(params);
    }
    if let Some(meta) = meta.filter(|meta| !meta.is_empty()) {
        write_meta(meta, out);
    }
}

fn write_meta(meta: &Meta<'_>, out: &mut impl Sink) {
    let mut before: &[u8] = b",\"meta\":{";
    for (key, value) in [("traceparent", &meta.traceparent), ("tracestate", &meta.tracestate)] {
        if let Some(value) = value {
            out.raw(before);
            out.string(key);
            out.raw(b":");
            out.string(value);
            before = b",";
        }
    }
    if let Some(timeout) = meta.timeout_ms {
        out.raw(before);
        out.raw(b"\"timeout_ms\":");
        out.raw(itoa::Buffer::new().format(timeout).as_bytes());
    }
    out.raw(b"}");
}

fn write_id(id: Id<'_>, out: &mut impl Sink) {
    match id {
        Id::Token(token) => out.raw(token.as_bytes()),
        Id::Sequence(number) => out.raw(itoa::Buffer::new().format(number).as_bytes()),
    }
}

/// The payload of method 0: a call named inside it.
pub(crate) fn named_call_len(message: &Outgoing<'_>) -> usize {
    let mut count = Count(2);
    write_call(&message.method_name, &message.body, message.meta, &mut count);
    count.0
}

/// Appends the payload of method 0.
pub(crate) fn write_named_call(message: &Outgoing<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    write_call(&message.method_name, &message.body, message.meta, out);
    out.push(b'}');
}
