//! The part of a message that has come so far. It exists only between the first byte of a message that
//! one read did not bring whole and its last one; a parked connection has none.

use super::Violation;
use crate::wheel::Tick;
use fastwebsockets::OpCode;

/// A buffer larger than this is given back to the allocator, not to the spares.
const KEEP: usize = 64 * 1024;

/// The frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) opcode: OpCode,
    pub(crate) fin: bool,
    pub(crate) mask: [u8; 4],
    /// Bytes of the payload still to come.
    pub(crate) left: usize,
}

/// A message, a control frame or a head in the making. Grows with the bytes that came, never with
/// those that were declared.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// The bytes of a head that was cut.
    pub(crate) head: Vec<u8>,
    pub(crate) frame: Option<Open>,
    /// Text or Binary, once the first fragment's head was read.
    pub(crate) opcode: Option<OpCode>,
    pub(crate) fragments: u32,
    pub(crate) payload: Vec<u8>,
    /// How much of the payload is known to be whole UTF-8 characters.
    pub(crate) valid: usize,
    pub(crate) control: Vec<u8>,
    /// The payload was handed out and goes with the next step.
    pub(crate) spent: bool,
    /// The shard's tick at which it was begun.
    pub(crate) since: Tick,
}

impl Assembly {
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.frame.is_none() && (self.opcode.is_none() || self.spent)
    }

    /// Drops what was handed out.
    pub(crate) fn settle(&mut self) {
        if self.spent {
            self.payload.clear();
            (self.opcode, self.fragments, self.valid, self.spent) = (None, 0, 0, false);
        }
    }

    /// Checks the text that came since the last call; a character that is cut at the end may still become whole.
    pub(crate) fn check_utf8(&mut self, last: bool) -> Result<(), Violation> {
        match std::str::from_utf8(&self.payload[self.valid..]) {
            Ok(_) => self.valid = self.payload.len(),
            Err(error) if error.error_len().is_some() || last => return Err(Violation::NotUtf8),
            Err(error) => self.valid += error.valid_up_to(),
        }
        Ok(())
    }
}

/// Assemblies that wait to be used again, so that a busy shard allocates none.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "connections hold boxes, and the boxes are what is used again")]
pub(crate) struct Spare(Vec<Box<Assembly>>);

impl Spare {
    const MOST: usize = 64;

    pub(crate) fn take(&mut self, now: Tick) -> Box<Assembly> {
        let mut assembly = self.0.pop().unwrap_or_default();
        assembly.since = now;
        assembly
    }

    pub(crate) fn put(&mut self, mut assembly: Box<Assembly>) {
        if self.0.len() < Self::MOST && assembly.payload.capacity() <= KEEP {
            assembly.spent = true;
            assembly.settle();
            assembly.control.clear();
            self.0.push(assembly);
        }
    }
}
