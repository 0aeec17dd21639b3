//! WebSocket frames as a client writes and reads them. Knows RFC 6455's heads, not what they carry.

use anyhow::{Result, ensure};

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A constant mask: what a mask protects from, a bench does not meet, and a server undoes any mask alike.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The head of a frame from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) fin: bool,
    pub(crate) opcode: u8,
    pub(crate) head: usize,
    pub(crate) payload: usize,
}

impl Head {
    /// Reads the head at the start of `bytes`, or `None` if it isn't there in whole.
    ///
    /// # Errors
    /// If it has a reserved bit or a mask: a server sends neither.
    #[inline]
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        ensure!(first & 0x70 == 0, "a reserved bit is set in a frame from the server");
        ensure!(second & 0x80 == 0, "a frame from the server is masked");
        let (head, payload) = match (second, rest) {
            (126, &[a, b, ..]) => (4, usize::from(u16::from_be_bytes([a, b]))),
            (127, &[a, b, c, d, e, f, g, h, ..]) => {
                (10, usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h]))?)
            }
            (126 | 127, _) => return Ok(None),
            (length, _) => (2, usize::from(length)),
        };
        Ok(Some(Self { fin: first & 0x80 != 0, opcode: first & 0x0f, head, payload }))
    }

    /// The length of the whole frame.
    pub(crate) fn total(&self) -> usize {
        self.head + self.payload
    }
}

/// Appends one whole, masked frame.
pub(crate) fn append_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..=125 => out.push(0x80 | short as u8),
        medium @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_at_every_length_form_and_waits_for_missing_bytes() {
        for (payload, head) in [(0, 2), (125, 2), (126, 4), (0xffff, 4), (0x1_0000, 10)] {
            let mut masked = Vec::new();
            append_masked(&mut masked, BINARY, &vec![7; payload]);
            // As the server would send it: without the mask bit and the mask.
            masked[1] &= 0x7f;
            for length in 0..head {
                assert_eq!(Head::parse(&masked[..length]).expect("no error"), None);
            }
            let expected = Head { fin: true, opcode: BINARY, head, payload };
            assert_eq!(Head::parse(&masked).expect("no error"), Some(expected));
        }
    }

    #[test]
    fn a_masked_frame_from_the_server_is_an_error() {
        let mut frame = Vec::new();
        append_masked(&mut frame, TEXT, b"x");
        assert!(Head::parse(&frame).is_err());
    }

    #[test]
    fn masking_twice_gives_the_payload_back() {
        let mut frame = Vec::new();
        append_masked(&mut frame, TEXT, b"hello");
        let unmasked: Vec<u8> = frame[6..].iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b).collect();
        assert_eq!(unmasked, b"hello");
    }
}
