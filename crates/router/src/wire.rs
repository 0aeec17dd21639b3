//! CallRequest as bytes, written once and by hand: the fields of a handler and of a caller are the
//! same for many calls, and protobuf lets encoded fields stand beside each other in any order.
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use protocol::pb;

use crate::bodies::Bodies;

const CALL_ID: u32 = 1;
const CANCEL: u32 = 2;
const METHOD: u32 = 3;
const TOOL: u32 = 4;
const PARAMS: u32 = 5;
const IDENTITY: u32 = 6;
const SESSION_ID: u32 = 7;
const IDEMPOTENCY_KEY: u32 = 8;
const TRACEPARENT: u32 = 9;
const TRACESTATE: u32 = 10;
const TIMEOUT_MS: u32 = 11;
const JOIN: u32 = 12;

/// What only the attempt knows and what is the same for every attempt.
pub(crate) struct Body<'a> {
    pub handler: &'a [u8],
    pub method: &'a str,
    pub params: &'a [u8],
    pub caller: &'a [u8],
    pub idempotency_key: [&'a str; 3],
    pub join: bool,
    pub traceparent: &'a str,
    pub tracestate: &'a str,
}

/// Encodes all fields but `call_id`, `cancel` and `timeout_ms`.
pub(crate) fn body(body: &Body<'_>, bodies: &mut Bodies) -> Bytes {
    let texts = [
        (METHOD, [body.method, "", ""]),
        (IDEMPOTENCY_KEY, body.idempotency_key),
        (TRACEPARENT, [body.traceparent, "", ""]),
        (TRACESTATE, [body.tracestate, "", ""]),
    ];
    let length = |parts: &[&str]| parts.iter().map(|part| part.len()).sum::<usize>();
    let texts_len: usize = texts.iter().map(|(_, parts)| text_len(length(parts))).sum();
    let size = body.handler.len() + body.caller.len() + text_len(body.params.len()) + texts_len;
    // The key and the value of `join` have a byte each.
    bodies.write(size + 2 * usize::from(body.join), |out| {
        out.put_slice(body.handler);
        out.put_slice(body.caller);
        put_text(PARAMS, body.params, out);
        for (field, parts) in texts {
            if put_head(field, length(&parts), out) {
                for part in parts {
                    out.put_slice(part.as_bytes());
                }
            }
        }
        if body.join {
            put_number(JOIN, 1, out);
        }
    })
}

/// The field that every call of a tool has.
pub(crate) fn tool(name: &str) -> Bytes {
    let mut out = BytesMut::new();
    put_text(TOOL, name.as_bytes(), &mut out);
    out.freeze()
}

/// The fields that every call of a caller has.
pub(crate) fn caller(identity: &pb::Identity, session_id: &str) -> Bytes {
    let mut out = BytesMut::new();
    put_text(IDENTITY, &identity.encode_to_vec(), &mut out);
    put_text(SESSION_ID, session_id.as_bytes(), &mut out);
    out.freeze()
}

/// The fields of one attempt, which go before the body.
pub(crate) fn put_attempt(call_id: u64, timeout_ms: u32, out: &mut impl BufMut) {
    put_number(CALL_ID, call_id, out);
    put_number(TIMEOUT_MS, u64::from(timeout_ms), out);
}

/// A whole CallRequest that cancels.
pub(crate) fn put_cancel(call_id: u64, out: &mut impl BufMut) {
    put_number(CALL_ID, call_id, out);
    put_number(CANCEL, 1, out);
}

fn put_number(field: u32, number: u64, out: &mut impl BufMut) {
    encode_key(field, WireType::Varint, out);
    encode_varint(number, out);
}

fn put_text(field: u32, text: &[u8], out: &mut impl BufMut) {
    if put_head(field, text.len(), out) {
        out.put_slice(text);
    }
}

/// How many bytes a text of this length takes with what stands before it.
fn text_len(length: usize) -> usize {
    // The fields' numbers are below 16, so that a key is one byte.
    if length > 0 { 1 + encoded_len_varint(length as u64) + length } else { 0 }
}

/// What stands before a text of this length; nothing, and false, for an empty one.
fn put_head(field: u32, length: usize, out: &mut impl BufMut) -> bool {
    if length > 0 {
        encode_key(field, WireType::LengthDelimited, out);
        encode_varint(length as u64, out);
    }
    length > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_written_by_hand_reads_as_the_generated_message() {
        let identity = pb::Identity {
            tenant: "acme".into(),
            agent: "ägent".into(),
            scopes: vec!["a:b".into(), "c".into()],
        };
        let asked = Body {
            handler: &tool("fs.read"),
            method: "tool.execute",
            params: br#"{"path":"x"}"#,
            caller: &caller(&identity, "s-1"),
            idempotency_key: ["k", ":", "1"],
            join: true,
            traceparent: "00-aa-bb-01",
            tracestate: "v=1",
        };
        let encoded = body(&asked, &mut Bodies::default());
        let mut out = BytesMut::new();
        put_attempt(u64::MAX - 1, 30_000, &mut out);
        out.put_slice(&encoded);
        let read = pb::CallRequest::decode(out.freeze()).expect("it is a CallRequest");
        assert_eq!(
            read,
            pb::CallRequest {
                call_id: u64::MAX - 1,
                cancel: false,
                method: "tool.execute".into(),
                tool: "fs.read".into(),
                params: Bytes::from_static(br#"{"path":"x"}"#),
                identity: Some(identity),
                session_id: "s-1".into(),
                idempotency_key: "k:1".into(),
                traceparent: "00-aa-bb-01".into(),
                tracestate: "v=1".into(),
                timeout_ms: 30_000,
                join: true,
            }
        );
    }

    #[test]
    fn a_cancel_is_an_id_and_nothing_else() {
        let mut out = BytesMut::new();
        put_cancel(77, &mut out);
        let read = pb::CallRequest::decode(out.freeze()).expect("it is a CallRequest");
        assert_eq!(read, pb::CallRequest { call_id: 77, cancel: true, ..Default::default() });
    }
}
