//! Reads one binary message: what its header and payload mean.

use super::inflated::{Inflated, Survey};
use super::parts::{Parts, Place, check};
use super::{HEADER_LEN, Header, flags};
use crate::json;
use crate::signed::Signed;
use crate::text::NamedCall;
use crate::zlib::InflateError;
use crate::{ErrorCode, Id, Kind, Limits, Message, Meta, Method, MethodName, Rejection};

/// Decodes a binary frame: one message or several after each other. `on` is called for each in
/// order. `scratch` is room for inflated payloads: reuse it, its content does not matter.
///
/// More messages than the limit, inner ones of batches counted, are one rejection for the whole
/// frame, and so are no bytes at all. After a header whose size can't be trusted nothing more of the
/// frame, or of the batch, is read. [`Limits::inflated_bytes`] bounds all payloads of a frame in
/// sum. Inside of a compressed batch nothing may be compressed again.
pub fn decode(
    frame: &[u8],
    scratch: &mut Vec<u8>,
    limits: &Limits,
    mut on: impl for<'a> FnMut(Result<Message<'a>, Rejection<'a>>),
) {
    let place = Place::Frame { signatures: false };
    read(frame, place, scratch, limits, &mut |message, _| on(message));
}

/// The same where messages may be signed: `on` also gets the signature that each stands under. A
/// batch is signed as a whole. Nothing is known of a signature but its form.
pub fn decode_signed(
    frame: &[u8],
    scratch: &mut Vec<u8>,
    limits: &Limits,
    mut on: impl for<'a> FnMut(Result<Message<'a>, Rejection<'a>>, Option<Signed<'a>>),
) {
    read(frame, Place::Frame { signatures: true }, scratch, limits, &mut on);
}

#[inline(always)]
fn read(
    frame: &[u8],
    place: Place,
    scratch: &mut Vec<u8>,
    limits: &Limits,
    on: &mut impl for<'a> FnMut(Result<Message<'a>, Rejection<'a>>, Option<Signed<'a>>),
) {
    if let Some((header, payload)) = single(frame) {
        let header = Header::decode(header);
        let is_plain = header.flags & !flags::SIGNED == 0;
        if is_plain && header.data_size as usize == payload.len() && limits.batch > 0 {
            // One plain message: nothing to count, nothing to inflate.
            return deliver(frame, place, None, &mut Inflated(&[]), limits, on);
        }
    }
    let count = Survey::of(frame, place, scratch, limits.batch, limits.inflated_bytes);
    if count == 0 {
        return on(Err(refuse(None, 0, "an empty frame; a message has at least a header of 24 bytes")), None);
    }
    if count > limits.batch {
        let most = limits.batch;
        let message = format!("more than {most} messages in a frame, none of them was executed");
        return on(Err(refuse(None, 0, message)), None);
    }
    deliver(frame, place, None, &mut Inflated(scratch), limits, on);
}

#[inline]
fn single(frame: &[u8]) -> Option<(&[u8; HEADER_LEN], &[u8])> {
    frame.split_first_chunk::<HEADER_LEN>()
}

#[cold]
fn refuse<'a>(
    id: Option<Id<'a>>,
    method_code: u16,
    message: impl Into<std::borrow::Cow<'static, str>>,
) -> Rejection<'a> {
    Rejection { id, method_code, code: ErrorCode::InvalidMessage, message: message.into() }
}

/// `over` is the signature of the batch that this is.
fn deliver(
    bytes: &[u8],
    place: Place,
    mut over: Option<Signed<'_>>,
    inflated: &mut Inflated<'_>,
    limits: &Limits,
    on: &mut impl for<'a> FnMut(Result<Message<'a>, Rejection<'a>>, Option<Signed<'a>>),
) {
    for part in Parts(bytes) {
        let signed = over;
        if let Some(over) = &mut over {
            over.is_first = false;
        }
        let part = match part {
            Ok(part) => part,
            Err(rejection) => {
                on(Err(rejection), signed);
                continue;
            }
        };
        let header = part.header;
        let id = Some(Id::Sequence(header.sequence_id));
        let kind = match check(&header, place) {
            Ok(kind) => kind,
            Err(wrong) => {
                on(Err(refuse(id, header.method, wrong)), signed);
                continue;
            }
        };
        let (payload, signed) = (part.payload(), part.signed().or(signed));
        if header.flags & !flags::SIGNED == 0 {
            on(message(&header, kind, payload, limits), signed);
            continue;
        }
        let is_compressed = header.flags & flags::COMPRESSED != 0;
        let payload = match if is_compressed { inflated.next() } else { Ok(payload) } {
            Ok(payload) => payload,
            Err(error) => {
                on(Err(not_inflated(error, &header, limits)), signed);
                continue;
            }
        };
        if header.flags & flags::BATCH == 0 {
            on(message(&header, kind, payload, limits), signed);
        } else if payload.is_empty() {
            let wrong = "an empty batch; a batch holds at least one message";
            on(Err(refuse(id, header.method, wrong)), signed);
        } else {
            let inner = if is_compressed { Place::CompressedBatch } else { Place::Batch };
            deliver(payload, inner, signed, inflated, limits, on);
        }
    }
}

#[cold]
fn not_inflated(error: InflateError, header: &Header, limits: &Limits) -> Rejection<'static> {
    let id = Some(Id::Sequence(header.sequence_id));
    match error {
        InflateError::TooLarge => {
            let most = limits.inflated_bytes;
            let message = format!("the payload inflates to too much; a frame may inflate to {most} bytes");
            Rejection { code: ErrorCode::TooLarge, ..refuse(id, header.method, message) }
        }
        InflateError::Malformed => refuse(
            id,
            header.method,
            "flags says compressed (1), but the payload is not exactly one whole zlib stream",
        ),
    }
}

#[inline(always)]
fn message<'a>(
    header: &Header,
    kind: Kind,
    payload: &'a [u8],
    limits: &Limits,
) -> Result<Message<'a>, Rejection<'a>> {
    let id = Some(Id::Sequence(header.sequence_id));
    let bare = Message { id, kind, method: None, body: "", meta: Meta::default(), seq: None };
    if matches!(kind, Kind::Ping | Kind::Pong) {
        return Ok(bare);
    }
    let Ok(payload) = simdutf8::basic::from_utf8(payload) else {
        return Err(refuse(id, header.method, "the payload must be UTF-8"));
    };
    let is_call = matches!(kind, Kind::Request | Kind::Notification);
    if is_call && header.method == 0 {
        return named(bare, header.sequence_id, payload, limits);
    }
    if !payload.is_empty()
        && let Err(fault) = json::validate(payload, limits.depth)
    {
        return Err(refuse(id, header.method, format!("payload: {fault}")));
    }
    if !is_call {
        return Ok(Message { body: payload, ..bare });
    }
    match Method::from_code(header.method) {
        Some(method) => Ok(call(bare, header.sequence_id, method.into(), payload, Meta::default())),
        None => Err(unknown_method(id, header.method)),
    }
}

#[cold]
fn unknown_method(id: Option<Id<'_>>, number: u16) -> Rejection<'_> {
    let message = format!("no method has the number {number}; name others in the payload of method 0");
    Rejection { code: ErrorCode::MethodNotFound, ..refuse(id, number, message) }
}

fn named<'a>(
    bare: Message<'a>,
    sequence_id: u64,
    payload: &'a str,
    limits: &Limits,
) -> Result<Message<'a>, Rejection<'a>> {
    let who = if bare.kind == Kind::Request { "a request of method 0" } else { "a notification of method 0" };
    match NamedCall::decode(payload, limits, who) {
        Ok(NamedCall { method, params, meta }) => Ok(call(bare, sequence_id, method, params, meta)),
        Err(wrong) => Err(refuse(bare.id, 0, wrong)),
    }
}

#[inline(always)]
fn call<'a>(
    bare: Message<'a>,
    sequence_id: u64,
    method: MethodName<'a>,
    body: &'a str,
    meta: Meta<'a>,
) -> Message<'a> {
    let method = Some(method);
    match bare.kind {
        Kind::Notification => {
            // Offsets begin at 1: 0 stands for a notification outside of the event log.
            let seq = (sequence_id > 0).then_some(sequence_id);
            Message { id: None, method, body, meta, seq, ..bare }
        }
        _ => Message { method, body, meta, ..bare },
    }
}
