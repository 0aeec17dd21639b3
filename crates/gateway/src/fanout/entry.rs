//! One event of a log, with the frames that carry it, each made when the first reader needs it.

use crate::wire::Wire;
use crate::ws::write_head;
use bytes::Bytes;
use fastwebsockets::OpCode;
use protocol::{Method, Outgoing};
use session_store::Event;
use std::cell::OnceCell;
use std::sync::Arc;

/// An event as a shard keeps it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) name: Arc<str>,
    data: Bytes,
    text: OnceCell<Box<[u8]>>,
    binary: OnceCell<Box<[u8]>>,
}

impl Entry {
    pub(crate) fn new(event: Event) -> Self {
        Self {
            offset: event.offset.0,
            name: event.name,
            data: event.data,
            text: OnceCell::new(),
            binary: OnceCell::new(),
        }
    }

    /// About what it takes of memory once both frames are made.
    pub(crate) fn weight(&self) -> usize {
        3 * (self.name.len() + self.data.len()) + 300
    }

    /// The message, for a client that gets it in a form of its own.
    pub(crate) fn message(&self) -> Outgoing<'static> {
        let mut params = Vec::with_capacity(self.name.len() + self.data.len() + 24);
        params.push(b'{');
        self.write_members(&mut params);
        params.push(b'}');
        Outgoing::notification(Method::Event, params, Some(self.offset))
    }

    /// Name and data as members of a JSON object.
    pub(crate) fn write_members(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"name\":");
        // Writing a string into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *out, &*self.name);
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(if self.data.is_empty() { b"null" } else { &self.data });
    }

    /// The whole frame for this wire.
    pub(crate) fn frame(&self, wire: Wire) -> &[u8] {
        let (frame, opcode) = match wire {
            Wire::Binary => (&self.binary, OpCode::Binary),
            Wire::Json | Wire::Undecided | Wire::Mcp | Wire::Echo => (&self.text, OpCode::Text),
        };
        frame.get_or_init(|| {
            let message = self.message();
            let len = message.encoded_len(wire.format());
            let mut frame = Vec::with_capacity(len + 10);
            write_head(&mut frame, opcode, len);
            message.encode(wire.format(), &mut frame);
            frame.into_boxed_slice()
        })
    }

    /// The event's data, if there are any.
    pub(crate) fn data(&self) -> Option<&str> {
        std::str::from_utf8(&self.data).ok().filter(|data| !data.is_empty())
    }

    /// Bytes of the event's data.
    pub(crate) fn size(&self) -> usize {
        self.data.len()
    }
}
