//! Packets of `mcp.v1.binary`, written and read by hand: the code under test has no part in it.

use serde_json::Value;

/// The numbers of message types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type(pub u8);

impl Type {
    /// Asks for a response.
    pub const REQUEST: Self = Self(0);
    /// The result of a request.
    pub const RESPONSE: Self = Self(1);
    /// Asks for nothing.
    pub const NOTIFICATION: Self = Self(2);
    /// Why a request has no result.
    pub const ERROR: Self = Self(3);
    /// Asks for a pong.
    pub const PING: Self = Self(4);
    /// Answers a ping.
    pub const PONG: Self = Self(5);
}

/// The bits of `flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags;

impl Flags {
    /// The payload is zlib.
    pub const COMPRESSED: u16 = 1;
    /// The payload is sealed.
    pub const ENCRYPTED: u16 = 2;
    /// The payload is packets.
    pub const BATCH: u16 = 4;
    /// A signature follows.
    pub const SIGNED: u16 = 8;
}

/// A header of 24 bytes and a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// "MCPW".
    pub magic: [u8; 4],
    /// 1.
    pub version: u8,
    /// What it is.
    pub kind: Type,
    /// Bits of [`Flags`].
    pub flags: u16,
    /// The request's id.
    pub sequence_id: u64,
    /// The method's number.
    pub method: u16,
    /// 0.
    pub reserved: u16,
    /// The payload's size, unless it is to be wrong.
    pub declared: Option<u32>,
    /// JSON text, unless flags say otherwise.
    pub payload: Vec<u8>,
}

impl Packet {
    /// The number of `echo`.
    pub const ECHO: u16 = 15;

    /// A packet of the right form.
    pub fn new(kind: Type, sequence_id: u64, method: u16, payload: &[u8]) -> Self {
        Self {
            magic: *b"MCPW",
            version: 1,
            kind,
            flags: 0,
            sequence_id,
            method,
            reserved: 0,
            declared: None,
            payload: payload.to_vec(),
        }
    }

    /// A request.
    pub fn request(sequence_id: u64, method: u16, payload: &[u8]) -> Self {
        Self::new(Type::REQUEST, sequence_id, method, payload)
    }

    /// A request to echo.
    pub fn echo(sequence_id: u64, payload: &[u8]) -> Self {
        Self::request(sequence_id, Self::ECHO, payload)
    }

    /// What goes over the wire.
    ///
    /// # Panics
    /// The payload has 4 GiB.
    pub fn bytes(&self) -> Vec<u8> {
        let size = u32::try_from(self.payload.len()).expect("a payload of a test fits");
        let mut bytes = self.magic.to_vec();
        bytes.extend_from_slice(&[self.version, self.kind.0]);
        bytes.extend_from_slice(&self.flags.to_be_bytes());
        bytes.extend_from_slice(&self.sequence_id.to_be_bytes());
        bytes.extend_from_slice(&self.method.to_be_bytes());
        bytes.extend_from_slice(&self.reserved.to_be_bytes());
        bytes.extend_from_slice(&self.declared.unwrap_or(size).to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// The packet that fills a frame.
    ///
    /// # Panics
    /// The frame is not one packet of the right form.
    pub fn parse(frame: &[u8]) -> Self {
        let (head, payload) = frame.split_first_chunk::<24>().expect("a header has 24 bytes");
        let u16_at = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let packet = Self {
            magic: *head.first_chunk().expect("24 are more than 4"),
            version: head[4],
            kind: Type(head[5]),
            flags: u16_at(6),
            sequence_id: u64::from_be_bytes(*head[8..].first_chunk().expect("16 are more than 8")),
            method: u16_at(16),
            reserved: u16_at(18),
            declared: None,
            payload: payload.to_vec(),
        };
        let size = u32::from_be_bytes(*head[20..].first_chunk().expect("4 are left"));
        assert_eq!(size as usize, payload.len(), "data_size of {packet:?}");
        assert_eq!((&packet.magic, packet.version, packet.reserved), (b"MCPW", 1, 0), "{packet:?}");
        assert!(packet.kind.0 <= 5, "{packet:?}");
        packet
    }

    /// The payload as JSON.
    ///
    /// # Panics
    /// It is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_else(|error| panic!("{self:?} is no JSON: {error}"))
    }

    /// Checks that it is an error about this sequence id with this code; its text.
    ///
    /// # Panics
    /// It is not.
    pub fn error(&self, sequence_id: u64, code: u16) -> String {
        assert_eq!((self.kind, self.sequence_id), (Type::ERROR, sequence_id), "{self:?}");
        let error = self.json();
        assert_eq!(error["code"], code, "{error}");
        error["message"].as_str().unwrap_or_else(|| panic!("no text: {error}")).to_owned()
    }
}
