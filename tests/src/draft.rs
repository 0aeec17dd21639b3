//! A frame as a client writes it, every bit of which may be wrong.

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opcode(pub u8);

impl Opcode {
    /// Goes on with a message.
    pub const CONTINUATION: Self = Self(0);
    /// Begins a text.
    pub const TEXT: Self = Self(1);
    /// Begins a binary message.
    pub const BINARY: Self = Self(2);
    /// Ends the connection.
    pub const CLOSE: Self = Self(8);
    /// Asks for a pong.
    pub const PING: Self = Self(9);
    /// Answers a ping.
    pub const PONG: Self = Self(10);

    /// Whether frames of it stand between those of a message.
    pub const fn is_control(self) -> bool {
        self.0 >= 8
    }
}

#[derive(Clone, Copy, Debug)]
enum Width {
    Shortest,
    Two,
    Eight,
}

/// A frame to send: right unless it is told otherwise.
#[derive(Clone, Debug)]
pub struct Draft {
    first: u8,
    mask: Option<[u8; 4]>,
    width: Width,
    declared: Option<u64>,
    payload: Vec<u8>,
}

impl Draft {
    /// A whole, masked frame.
    pub fn new(opcode: Opcode, payload: &[u8]) -> Self {
        Self {
            first: 0x80 | opcode.0,
            mask: Some([0x37, 0xFA, 0x21, 0x3D]),
            width: Width::Shortest,
            declared: None,
            payload: payload.to_vec(),
        }
    }

    /// A text in one frame.
    pub fn text(text: &str) -> Self {
        Self::new(Opcode::TEXT, text.as_bytes())
    }

    /// A binary message in one frame.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::new(Opcode::BINARY, bytes)
    }

    /// A close frame with a code and a reason.
    pub fn close(code: u16, reason: &[u8]) -> Self {
        Self::new(Opcode::CLOSE, &[&code.to_be_bytes(), reason].concat())
    }

    /// Without FIN.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.first &= 0x7F;
        self
    }

    /// With these of the three reserved bits.
    #[must_use]
    pub fn reserved(mut self, bits: u8) -> Self {
        self.first |= bits << 4;
        self
    }

    /// Without a mask.
    #[must_use]
    pub fn unmasked(mut self) -> Self {
        self.mask = None;
        self
    }

    /// With this mask.
    #[must_use]
    pub fn mask(mut self, mask: [u8; 4]) -> Self {
        self.mask = Some(mask);
        self
    }

    /// With a length of 16 bits, whether it needs them or not.
    #[must_use]
    pub fn two_bytes_wide(mut self) -> Self {
        self.width = Width::Two;
        self
    }

    /// With a length of 64 bits, whether it needs them or not.
    #[must_use]
    pub fn eight_bytes_wide(mut self) -> Self {
        self.width = Width::Eight;
        self
    }

    /// With a length that is not the payload's.
    #[must_use]
    pub fn declaring(mut self, length: u64) -> Self {
        self.declared = Some(length);
        self
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let length = self.declared.unwrap_or(self.payload.len() as u64);
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let width = match (self.width, length) {
            (Width::Shortest, 0..=125) => 0,
            (Width::Shortest, 126..=0xFFFF) | (Width::Two, _) => 2,
            (Width::Shortest | Width::Eight, _) => 8,
        };
        let mut bytes = vec![self.first];
        match width {
            0 => bytes.push(mask_bit | length as u8),
            2 => bytes.push(mask_bit | 126),
            _ => bytes.push(mask_bit | 127),
        }
        bytes.extend_from_slice(&length.to_be_bytes()[8 - width..]);
        match self.mask {
            None => bytes.extend_from_slice(&self.payload),
            Some(mask) => {
                bytes.extend_from_slice(&mask);
                bytes.extend(self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
            }
        }
        bytes
    }
}
