//! A frame as the gateway sends it, read by the letter of RFC 6455.

use crate::Opcode;

/// A frame that broke no rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub opcode: Opcode,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The frame at the start of `bytes` and its size; none if it is cut.
    ///
    /// # Panics
    /// The frame breaks a rule: a server's frames have no mask and no reserved bits, lengths are in their shortest form,
    /// a control frame is whole and short, a text is UTF-8, a close has a code that may be sent. This gateway never
    /// fragments.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let opcode = Opcode(first & 0x0F);
        assert_eq!(second & 0x80, 0, "a server must not mask: {first:#04x} {second:#04x}");
        assert_eq!(first & 0x70, 0, "reserved bits are set: {first:#04x}");
        assert_ne!(first & 0x80, 0, "the gateway never fragments: {first:#04x}");
        assert!(matches!(opcode.0, 1 | 2 | 8 | 9 | 10), "an opcode that begins no message: {first:#04x}");
        let (length, head) = match second {
            126 => (u64::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), 4),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let shortest = match head {
            2 => true,
            4 => length > 125,
            _ => length > 0xFFFF,
        };
        assert!(shortest, "the length {length} is not in its shortest form");
        assert!(!opcode.is_control() || length <= 125, "a control frame of {length} bytes");
        let end = head + usize::try_from(length).expect("a length fits");
        let payload = bytes.get(head..end)?.to_vec();
        let frame = Self { opcode, payload };
        if opcode == Opcode::TEXT {
            frame.text();
        }
        if opcode == Opcode::CLOSE {
            frame.close();
        }
        Some((frame, end))
    }

    /// The payload as text.
    ///
    /// # Panics
    /// It is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap_or_else(|error| panic!("{self:?} is not UTF-8: {error}"))
    }

    /// The code and reason of a close frame.
    ///
    /// # Panics
    /// It is none of the right form.
    pub fn close(&self) -> (u16, String) {
        assert_eq!(self.opcode, Opcode::CLOSE, "awaited a close frame, found {self:?}");
        let (code, reason) = self.payload.split_first_chunk().unwrap_or_else(|| panic!("no code: {self:?}"));
        let code = u16::from_be_bytes(*code);
        let sendable = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        assert!(sendable, "{code} may not be sent");
        (code, std::str::from_utf8(reason).expect("a reason is UTF-8").to_owned())
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = String::from_utf8_lossy(&self.payload[..self.payload.len().min(300)]);
        write!(f, "opcode {} with {} bytes {shown:?}", self.opcode.0, self.payload.len())
    }
}
