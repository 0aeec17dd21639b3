//! WebSocket frames as a client writes and reads them. Knows RFC 6455's heads, not what they carry.

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A constant mask: what a mask protects from, a load does not meet, and a server undoes any mask alike.
pub(crate) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The head of a frame from a server.
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
    /// What is wrong with it: a reserved bit, or a mask, which no server sends.
    #[inline]
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, &'static str> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err("a reserved bit is set in a frame");
        }
        if second & 0x80 != 0 {
            return Err("a frame from a server is masked");
        }
        let (head, payload) = match (second, rest) {
            (126, &[a, b, ..]) => (4, usize::from(u16::from_be_bytes([a, b]))),
            (127, &[a, b, c, d, e, f, g, h, ..]) => {
                let length = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                (10, usize::try_from(length).map_err(|_| "a frame is longer than memory")?)
            }
            (126 | 127, _) => return Ok(None),
            (length, _) => (2, usize::from(length)),
        };
        Ok(Some(Self { fin: first & 0x80 != 0, opcode: first & 0x0f, head, payload }))
    }

    /// The length of the whole frame.
    #[inline]
    pub(crate) fn total(&self) -> usize {
        self.head.saturating_add(self.payload)
    }
}

/// Appends one whole, masked frame.
pub(crate) fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
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
            let mut frame = Vec::new();
            append(&mut frame, BINARY, &vec![7; payload]);
            // As a server would send it: without the bit and the mask.
            frame[1] &= 0x7f;
            for length in 0..head {
                assert_eq!(Head::parse(&frame[..length]), Ok(None));
            }
            let expected = Head { fin: true, opcode: BINARY, head, payload };
            assert_eq!(Head::parse(&frame), Ok(Some(expected)));
        }
    }

    #[test]
    fn a_masked_frame_from_a_server_is_an_error() {
        let mut frame = Vec::new();
        append(&mut frame, TEXT, b"x");
        assert!(Head::parse(&frame).is_err());
    }
}
