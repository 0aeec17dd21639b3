//! Signed messages, in both formats: how a signature stands beside what it covers, and which bytes it is made over.
//! Knows no keys: whoever has one makes and judges the HMAC.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::binary::{HEADER_LEN, Header, flags};
use crate::{Format, Kind};

/// Bytes of an HMAC-SHA256.
pub const MAC_LEN: usize = 32;
/// Bytes that a signature adds to a binary payload: a timestamp and a MAC.
pub const TRAILER_LEN: usize = TIMESTAMP_LEN + MAC_LEN;
/// The most that [`write()`] adds to a message, in either format.
pub const OVERHEAD: usize = 160;
const TIMESTAMP_LEN: usize = 8;
/// A MAC in base64url.
const MAC_CHARS: usize = 43;

/// A signature as it came, of the right form, and what it covers. Whether it is the connection's nobody has looked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// When it was made by the sender's clock: milliseconds since 1970.
    pub timestamp: u64,
    /// Has to be higher with each signature of a connection. In binary it is the header's `sequence_id`.
    pub nonce: u64,
    /// The HMAC-SHA256.
    pub mac: [u8; MAC_LEN],
    /// The message is the first under this signature. Others follow it only in a batch.
    pub is_first: bool,
    /// How it was written.
    pub format: Format,
    /// In JSON the text of `message`; in binary header, payload and timestamp.
    covered: &'a [u8],
}

impl<'a> Signed<'a> {
    /// The signature of a binary message whose header says that it has one; `None` if it is too short for it.
    pub(crate) fn of_binary(whole: &'a [u8], nonce: u64) -> Option<Self> {
        let (covered, mac) = whole.split_last_chunk::<MAC_LEN>()?;
        let timestamp = u64::from_be_bytes(*covered.last_chunk::<TIMESTAMP_LEN>()?);
        Some(Self { timestamp, nonce, mac: *mac, is_first: true, format: Format::Binary, covered })
    }

    pub(crate) const fn of_text(timestamp: u64, nonce: u64, mac: [u8; MAC_LEN], message: &'a str) -> Self {
        Self { timestamp, nonce, mac, is_first: true, format: Format::Json, covered: message.as_bytes() }
    }

    /// Hands over the bytes that the MAC is made of, part by part, behind the [`preamble`]. Allocates nothing.
    #[inline]
    pub fn feed(&self, take: impl FnMut(&[u8])) {
        feed(self.format, self.timestamp, self.nonce, self.covered, take);
    }
}

/// What the MAC of every signed message of a connection begins with. A connection id has no line breaks, so none can be
/// taken for another's with other fields.
pub fn preamble(format: Format, connection_id: &str) -> String {
    let name = match format {
        Format::Json => "mcp.v1",
        Format::Binary => "mcp.v1.binary",
    };
    format!("{name}\n{connection_id}\n")
}

/// Appends a signed message to `out`: `message` is one or a batch as it would be sent alone, in binary one or several after
/// each other. `mac` has taken the [`preamble`].
pub fn write(
    format: Format,
    message: &[u8],
    timestamp: u64,
    nonce: u64,
    out: &mut Vec<u8>,
    mut mac: impl Mac,
) {
    match format {
        Format::Json => {
            feed(format, timestamp, nonce, message, |part| mac.update(part));
            let mut digits = itoa::Buffer::new();
            out.extend_from_slice(b"{\"message\":");
            out.extend_from_slice(message);
            out.extend_from_slice(b",\"timestamp\":");
            out.extend_from_slice(digits.format(timestamp).as_bytes());
            out.extend_from_slice(b",\"nonce\":");
            out.extend_from_slice(digits.format(nonce).as_bytes());
            out.extend_from_slice(b",\"signature\":\"");
            out.extend_from_slice(BASE64_URL_SAFE_NO_PAD.encode(mac.end()).as_bytes());
            out.extend_from_slice(b"\"}");
        }
        Format::Binary => {
            let start = out.len();
            // As with any message, 4 GiB can't come to be.
            let size = u32::try_from(message.len() + TRAILER_LEN).unwrap_or(u32::MAX);
            let header =
                Header { flags: flags::SIGNED | flags::BATCH, ..Header::new(Kind::Request, nonce, 0, size) };
            out.reserve(HEADER_LEN + message.len() + TRAILER_LEN);
            out.extend_from_slice(&header.encode());
            out.extend_from_slice(message);
            out.extend_from_slice(&timestamp.to_be_bytes());
            feed(format, timestamp, nonce, &out[start..], |part| mac.update(part));
            out.extend_from_slice(&mac.end());
        }
    }
}

/// An HMAC-SHA256 in the making.
pub trait Mac {
    /// Takes the next bytes.
    fn update(&mut self, bytes: &[u8]);

    /// What came of all that was taken.
    fn end(self) -> [u8; MAC_LEN];
}

#[inline]
fn feed(format: Format, timestamp: u64, nonce: u64, covered: &[u8], mut take: impl FnMut(&[u8])) {
    if format == Format::Json {
        let mut digits = itoa::Buffer::new();
        for number in [timestamp, nonce] {
            take(digits.format(number).as_bytes());
            take(b"\n");
        }
    }
    take(covered);
}

/// Reads the MAC in the signature of a JSON message; there is one spelling of each.
pub(crate) fn read_mac(text: &str) -> Option<[u8; MAC_LEN]> {
    // The decoder wants room for what base64 could hold at most.
    let mut room = [0; MAC_LEN + 1];
    if text.len() != MAC_CHARS || BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut room).ok()? != MAC_LEN {
        return None;
    }
    room.first_chunk().copied()
}
