//! The 24 bytes before each binary payload. Checks nothing: any 24 bytes are some header.

/// "MCPW" in ASCII.
pub const MAGIC: u32 = 0x4D43_5057;
/// The version of the header's layout.
pub const VERSION: u8 = 1;
/// Bytes of a header.
pub const HEADER_LEN: usize = 24;

/// The header's fields as they stand on the wire, big-endian, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`VERSION`].
    pub version: u8,
    /// The number of a [`crate::Kind`].
    pub kind: u8,
    /// Bits of [`super::flags`].
    pub flags: u16,
    /// A request's id, chosen by the client; of an event its offset.
    pub sequence_id: u64,
    /// The number of a [`crate::Method`]; 0 for one named in the payload.
    pub method: u16,
    /// 0.
    pub reserved: u16,
    /// Bytes of payload after the header.
    pub data_size: u32,
}

impl Header {
    /// A header of this version with no flags.
    pub const fn new(kind: crate::Kind, sequence_id: u64, method: u16, data_size: u32) -> Self {
        Self {
            magic: MAGIC,
            version: VERSION,
            kind: kind.as_u8(),
            flags: 0,
            sequence_id,
            method,
            reserved: 0,
            data_size,
        }
    }

    /// Reads the fields, whatever they hold.
    pub const fn decode(bytes: &[u8; HEADER_LEN]) -> Self {
        let b = bytes;
        Self {
            magic: u32::from_be_bytes([b[0], b[1], b[2], b[3]]),
            version: b[4],
            kind: b[5],
            flags: u16::from_be_bytes([b[6], b[7]]),
            sequence_id: u64::from_be_bytes([b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]]),
            method: u16::from_be_bytes([b[16], b[17]]),
            reserved: u16::from_be_bytes([b[18], b[19]]),
            data_size: u32::from_be_bytes([b[20], b[21], b[22], b[23]]),
        }
    }

    /// Writes the fields, whatever they hold.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0..4].copy_from_slice(&self.magic.to_be_bytes());
        bytes[4] = self.version;
        bytes[5] = self.kind;
        bytes[6..8].copy_from_slice(&self.flags.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.sequence_id.to_be_bytes());
        bytes[16..18].copy_from_slice(&self.method.to_be_bytes());
        bytes[18..20].copy_from_slice(&self.reserved.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.data_size.to_be_bytes());
        bytes
    }
}
