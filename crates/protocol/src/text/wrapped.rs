//! Reads the object that a signed `mcp.v1` message stands in.

use super::decode::rejection;
use crate::envelope::{scan_into, unsigned};
use crate::json::{Fault, Scanner};
use crate::signed::{Signed, read_mac};
use crate::{Limits, Rejection};

/// How a signed message is told from any other before it is read. Its members are written without escapes.
const MARK: &[u8] = b"\"signature\"";

/// The raw values of its members; "" where absent.
#[derive(Default)]
struct Wrapped<'a> {
    message: &'a str,
    timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
    /// It is a message of its own, whatever it has beside.
    has_type: bool,
    has_other: bool,
}

/// The message inside, exactly as it was written, and the signature; `None` if the frame is not signed. That may
/// also be since it is no JSON: who reads it as a message says so.
pub(super) fn unwrap<'a>(
    text: &'a str,
    limits: &Limits,
) -> Option<Result<(&'a str, Signed<'a>), Rejection<'a>>> {
    memchr::memmem::find(text.as_bytes(), MARK)?;
    // The object is not the message's: it may be nested as deeply as if it stood alone.
    let depth = limits.depth.min(Limits::MAX_DEPTH) + 1;
    let wrapped = Scanner::run(text, |scanner| Wrapped::scan(scanner, depth).ok())?;
    if wrapped.signature.is_empty() || wrapped.has_type {
        return None;
    }
    Some(wrapped.read().map_err(|wrong| rejection(None, wrong)))
}

/// Whether what has no type is a signed message.
#[cold]
pub(super) fn is_signed(text: &str, limits: &Limits) -> bool {
    unwrap(text, limits).is_some()
}

impl<'a> Wrapped<'a> {
    fn scan(scanner: &mut Scanner<'a>, depth: usize) -> Result<Self, Fault> {
        let mut wrapped = Self::default();
        let open = scanner.start()?;
        if scanner.byte(open) != b'{' {
            return scanner.fail(open, "expected an object");
        }
        let end = scanner.members(open, depth, |scanner, key, key_at, at| {
            let slot = match key {
                b"message" => &mut wrapped.message,
                b"timestamp" => &mut wrapped.timestamp,
                b"nonce" => &mut wrapped.nonce,
                b"signature" => &mut wrapped.signature,
                b"type" => {
                    wrapped.has_type = true;
                    return Ok(None);
                }
                _ => {
                    wrapped.has_other = true;
                    return Ok(None);
                }
            };
            scan_into(slot, scanner, key_at, at, depth - 1)
        })?;
        scanner.end(end)?;
        Ok(wrapped)
    }

    fn read(&self) -> Result<(&'a str, Signed<'a>), &'static str> {
        if self.has_other {
            return Err("a signed message has message, timestamp, nonce and signature, and nothing else");
        }
        if !self.message.starts_with(['{', '[']) {
            return Err("message must be the message that was signed, an object or an array of them");
        }
        let timestamp = unsigned(self.timestamp)
            .ok_or("timestamp must be an unsigned integer: milliseconds since 1970")?;
        let nonce = unsigned(self.nonce)
            .ok_or("nonce must be an unsigned integer, higher with each signed message")?;
        let mac = self.signature.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(read_mac);
        let mac = mac.ok_or("signature must be an HMAC-SHA256 as 43 characters of base64url")?;
        Ok((self.message, Signed::of_text(timestamp, nonce, mac, self.message)))
    }
}
