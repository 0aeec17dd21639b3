//! Reads one `mcp.v1` envelope.

use crate::envelope::{RawMeta, Wrong, read_id, read_method, scan_into, unsigned};
use crate::json::{Scanned, Scanner};
use crate::{ErrorCode, Id, Kind, Limits, Message, Meta, MethodName, Rejection};

/// The raw values of an envelope's fields; "" where absent.
#[derive(Clone, Copy, Default)]
pub(super) struct Fields<'a> {
    id: &'a str,
    kind: &'a str,
    method: &'a str,
    params: &'a str,
    result: &'a str,
    error: &'a str,
    seq: &'a str,
    meta: RawMeta<'a>,
}

impl<'a> Fields<'a> {
    /// Scans the object that opens at `open`. On a fault the fields before it are there.
    #[inline(always)]
    pub(super) fn scan(&mut self, scanner: &mut Scanner<'a>, open: usize, depth: usize) -> Scanned {
        scanner.members(open, depth, |scanner, key, key_at, at| {
            let slot = match key {
                b"id" => &mut self.id,
                b"type" => &mut self.kind,
                b"method" => &mut self.method,
                b"params" => &mut self.params,
                b"result" => &mut self.result,
                b"error" => &mut self.error,
                b"seq" => &mut self.seq,
                b"meta" if self.meta.whole.is_empty() => {
                    return self.meta.scan(scanner, at, depth - 1).map(Some);
                }
                b"meta" => return scanner.twice(key_at),
                _ => return Ok(None),
            };
            scan_into(slot, scanner, key_at, at, depth - 1)
        })
    }

    /// The id, if there is one that can be sent back.
    #[cold]
    pub(super) fn readable_id(&self, limits: &Limits) -> Option<Id<'a>> {
        read_id(self.id, limits).ok()
    }

    pub(super) const fn has_type(&self) -> bool {
        !self.kind.is_empty()
    }

    #[cold]
    fn reject(&self, limits: &Limits, message: Wrong) -> Rejection<'a> {
        let method = read_method(self.method, "").ok();
        Rejection {
            id: self.readable_id(limits),
            method_code: method.map_or(0, |method| method.code()),
            code: ErrorCode::InvalidMessage,
            message,
        }
    }

    /// What the fields mean.
    #[inline(always)]
    pub(super) fn read(&self, limits: &Limits) -> Result<Message<'a>, Rejection<'a>> {
        self.message(limits).map_err(|wrong| self.reject(limits, wrong))
    }

    #[inline(always)]
    fn message(&self, limits: &Limits) -> Result<Message<'a>, Wrong> {
        let kind = self.read_kind()?;
        let id = match self.id {
            "" => None,
            "null" if kind == Kind::Error => None,
            raw => Some(read_id(raw, limits)?),
        };
        let bare = Message { id, kind, method: None, body: "", meta: Meta::default(), seq: None };
        match kind {
            Kind::Request if id.is_none() => {
                Err("id is missing; a request needs an id, a string or an integer".into())
            }
            Kind::Request => Ok(Message {
                method: Some(read_method(self.method, "a request")?),
                body: self.params,
                meta: self.meta.read()?,
                ..bare
            }),
            Kind::Notification if id.is_some() => {
                Err("a notification has no id; leave it out, or send a request (type 0)".into())
            }
            Kind::Notification => Ok(Message {
                method: Some(read_method(self.method, "a notification")?),
                body: self.params,
                meta: self.meta.read()?,
                seq: self.read_seq()?,
                ..bare
            }),
            Kind::Response => Ok(Message { body: self.result, ..bare }),
            Kind::Error => Ok(Message { body: self.error, ..bare }),
            Kind::Ping | Kind::Pong => Ok(bare),
        }
    }

    #[inline(always)]
    fn read_kind(&self) -> Result<Kind, Wrong> {
        match self.kind.as_bytes() {
            [digit @ b'0'..=b'5'] => Kind::from_u8(digit - b'0').ok_or_else(|| self.wrong_kind()),
            _ => Err(self.wrong_kind()),
        }
    }

    #[cold]
    fn wrong_kind(&self) -> Wrong {
        let types = "types are 0 request, 1 response, 2 notification, 3 error, 4 ping, 5 pong";
        let digits = self.kind.strip_prefix('-').unwrap_or(self.kind);
        match self.kind {
            "" => format!("type is missing; {types}").into(),
            raw if raw.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("unknown type {raw}; {types}").into()
            }
            _ => format!("type must be an integer; {types}").into(),
        }
    }

    fn read_seq(&self) -> Result<Option<u64>, Wrong> {
        match (self.seq, unsigned(self.seq)) {
            ("", _) => Ok(None),
            (_, None) => Err("seq must be the offset of an event, an unsigned integer".into()),
            (_, seq) => Ok(seq),
        }
    }
}

/// A call named in the payload of a binary message: its method, params and meta.
pub(crate) struct NamedCall<'a> {
    pub(crate) method: MethodName<'a>,
    pub(crate) params: &'a str,
    pub(crate) meta: Meta<'a>,
}

impl<'a> NamedCall<'a> {
    /// Decodes the payload of method 0.
    pub(crate) fn decode(payload: &'a str, limits: &Limits, who: &str) -> Result<Self, Wrong> {
        let mut fields = Fields::default();
        let depth = limits.depth.min(Limits::MAX_DEPTH);
        Scanner::run(payload, |scanner| {
            let scanned = scanner
                .start()
                .and_then(|at| match scanner.byte(at) {
                    b'{' => fields.scan(scanner, at, depth),
                    _ => scanner.value(at, depth),
                })
                .and_then(|at| scanner.end(at));
            scanned.map_err(|_| scanner.fault())
        })
        .map_err(|fault| format!("payload: {fault}"))?;
        if fields.method.is_empty() && !payload.trim_start().starts_with('{') {
            return Err("the payload of method 0 must be an object {\"method\",\"params\"}".into());
        }
        Ok(Self {
            method: read_method(fields.method, who)?,
            params: fields.params,
            meta: fields.meta.read()?,
        })
    }
}

/// A rejection of a frame or element that has no readable method.
#[cold]
pub(super) fn rejection(id: Option<Id<'_>>, message: impl Into<Wrong>) -> Rejection<'_> {
    Rejection { id, method_code: 0, code: ErrorCode::InvalidMessage, message: message.into() }
}
