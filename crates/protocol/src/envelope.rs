//! What the parts of an envelope have to be, for both formats: ids, methods, meta. Works on raw
//! JSON values that a scanner has checked.

use std::borrow::Cow;
use std::fmt::Display;

use crate::json::{Fault, Scanned, Scanner, unescape};
use crate::{Id, Limits, Meta, MethodName};

/// What is wrong with a message, in words.
pub(crate) type Wrong = Cow<'static, str>;

/// Raw values of `meta`; "" where absent.
#[derive(Clone, Copy, Default)]
pub(crate) struct RawMeta<'a> {
    /// The whole value.
    pub(crate) whole: &'a str,
    traceparent: &'a str,
    tracestate: &'a str,
    timeout_ms: &'a str,
}

impl<'a> RawMeta<'a> {
    /// Scans the value of the key `meta`.
    #[inline]
    pub(crate) fn scan(&mut self, scanner: &mut Scanner<'a>, at: usize, depth: usize) -> Scanned {
        let end = if scanner.byte(at) == b'{' {
            scanner.members(at, depth, |scanner, key, key_at, at| {
                let slot = match key {
                    b"traceparent" => &mut self.traceparent,
                    b"tracestate" => &mut self.tracestate,
                    b"timeout_ms" => &mut self.timeout_ms,
                    _ => return Ok(None),
                };
                scan_into(slot, scanner, key_at, at, depth - 1)
            })?
        } else {
            scanner.value(at, depth)?
        };
        self.whole = scanner.slice(at, end);
        Ok(end)
    }

    /// Reads the values.
    #[inline]
    pub(crate) fn read(&self) -> Result<Meta<'a>, Wrong> {
        if self.whole.is_empty() {
            return Ok(Meta::default());
        }
        if !self.whole.starts_with('{') {
            return Err("meta must be an object".into());
        }
        Ok(Meta {
            traceparent: read_trace(self.traceparent, "meta.traceparent must be a string")?,
            tracestate: read_trace(self.tracestate, "meta.tracestate must be a string")?,
            timeout_ms: match self.timeout_ms {
                "" => None,
                raw => match unsigned(raw) {
                    None | Some(0) => {
                        return Err("meta.timeout_ms must be a positive integer of milliseconds".into());
                    }
                    timeout => timeout,
                },
            },
        })
    }
}

/// Scans a known key's value into its slot, which must be empty still.
#[inline(always)]
pub(crate) fn scan_into<'a>(
    slot: &mut &'a str,
    scanner: &mut Scanner<'a>,
    key_at: usize,
    at: usize,
    depth: usize,
) -> Result<Option<usize>, Fault> {
    if !slot.is_empty() {
        return scanner.twice(key_at);
    }
    let end = scanner.value(at, depth)?;
    *slot = scanner.slice(at, end);
    Ok(Some(end))
}

/// A JSON integer within u64.
#[inline]
pub(crate) fn unsigned(raw: &str) -> Option<u64> {
    raw.parse().ok()
}

/// The raw content of a string token; `None` for other tokens.
#[inline]
fn content(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

#[inline]
fn read_trace<'a>(raw: &'a str, wrong: &'static str) -> Result<Option<Cow<'a, str>>, Wrong> {
    match (raw, content(raw)) {
        ("", _) => Ok(None),
        (_, Some(content)) => Ok(Some(unescape(content))),
        _ => Err(wrong.into()),
    }
}

/// Reads an id.
#[inline]
pub(crate) fn read_id<'a>(raw: &'a str, limits: &Limits) -> Result<Id<'a>, Wrong> {
    match content(raw) {
        // Escapes only ever make it shorter.
        Some(content) if !content.is_empty() && content.len() <= limits.id_bytes => Ok(Id::Token(raw)),
        Some(content) => long_id(raw, content, limits),
        None if unsigned(raw).is_some() || raw.parse::<i64>().is_ok() => Ok(Id::Token(raw)),
        None => Err(wrong_id(raw)),
    }
}

#[cold]
fn long_id<'a>(raw: &'a str, content: &str, limits: &Limits) -> Result<Id<'a>, Wrong> {
    match (unescape(content).len(), limits.id_bytes) {
        (0, most) => {
            Err(format!("id is empty; it must be a string of 1 to {most} bytes or an integer").into())
        }
        (len, most) if len > most => {
            Err(format!("id has {len} bytes; it must be a string of 1 to {most} bytes or an integer").into())
        }
        _ => Ok(Id::Token(raw)),
    }
}

#[cold]
fn wrong_id(raw: &str) -> Wrong {
    let what = match raw.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number with a fraction or exponent or beyond 64 bits",
    };
    format!("id is {what}; it must be a string or an integer").into()
}

/// Reads a method's name.
#[inline]
pub(crate) fn read_method<'a>(raw: &'a str, who: impl Display) -> Result<MethodName<'a>, Wrong> {
    match content(raw) {
        Some(content) if !content.is_empty() => Ok(MethodName::of(unescape(content))),
        Some(_) => Err("method is empty; it must be the name of a method".into()),
        None if raw.is_empty() => {
            Err(format!("method is missing; {who} needs a method, a non-empty string").into())
        }
        None => Err("method must be a non-empty string".into()),
    }
}
