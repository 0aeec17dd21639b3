//! The bits of the header's `flags`.

/// The payload is zlib.
pub const COMPRESSED: u16 = 1;
/// The payload is sealed. Not supported yet.
pub const ENCRYPTED: u16 = 2;
/// The payload is itself whole messages.
pub const BATCH: u16 = 4;
/// The payload ends with a timestamp and an HMAC.
pub const SIGNED: u16 = 8;
/// Every bit that has a meaning.
pub const ALL: u16 = COMPRESSED | ENCRYPTED | BATCH | SIGNED;
