//! What holds for all inputs.

use proptest::prelude::*;
use protocol::binary::{Header, flags};
use protocol::{
    Format, Id, Kind, Limits, Message, Meta, Method, MethodName, Outgoing, binary, json, text, zlib,
};
use serde_json::Value;

use crate::{binary_message, decode_binary, decode_text};

/// Any JSON value whose numbers and keys mean the same to everyone.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 24, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner.clone(), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            prop::collection::hash_map("[a-d]{1,3}", inner, 0..24)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Text that is nearly JSON: made of JSON's own pieces.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\"",
        "\"b\":",
        "{\"a\":1}",
        "0",
        "-",
        "1",
        ".5",
        "e",
        "E+2",
        "1e400",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "\u{1}",
        "\\u00",
        "\\ud83e",
        "\\udd80",
        "\\n",
        "é",
        "\u{feff}",
        "\"id\":1,",
        "\"type\":0",
        "\"method\":\"echo\"",
        "\"params\":",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Whether a text that serde_json accepts has what we refuse beyond it.
fn has_key_twice(text: &str) -> bool {
    struct Strict;
    impl<'de> serde::de::DeserializeSeed<'de> for Strict {
        type Value = bool;
        fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
            deserializer.deserialize_any(self)
        }
    }
    impl<'de> serde::de::Visitor<'de> for Strict {
        type Value = bool;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("any value")
        }
        fn visit_unit<E>(self) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_str<E>(self, _: &str) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<bool, A::Error> {
            let mut twice = false;
            while let Some(inner) = access.next_element_seed(Self)? {
                twice |= inner;
            }
            Ok(twice)
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<bool, A::Error> {
            let mut keys = std::collections::HashSet::new();
            let mut twice = false;
            while let Some(key) = access.next_key::<String>()? {
                twice |= !keys.insert(key);
                twice |= access.next_value_seed(Self)?;
            }
            Ok(twice)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde::de::DeserializeSeed::deserialize(Strict, &mut deserializer).unwrap_or(false)
}

/// We and serde_json agree about `text`, but for keys that stand twice.
fn check_agreement(text: &str) {
    let ours = json::validate(text, Limits::MAX_DEPTH);
    let theirs = serde_json::from_str::<Value>(text);
    match (&ours, &theirs) {
        (Ok(()), Ok(_)) => assert!(!has_key_twice(text), "a key stands twice: {text}"),
        (Err(_), Err(_)) => {}
        (Err(_), Ok(_)) => assert!(has_key_twice(text), "refused: {ours:?} {text}"),
        (Ok(()), Err(error)) => panic!("accepted, but {error}: {text}"),
    }
}

/// Replaces one byte of ASCII by another.
fn dent(text: &str, at: usize, byte: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if let Some(place) = bytes.get_mut(at % text.len().max(1)).filter(|place| place.is_ascii()) {
        *place = byte & 0x7f;
    }
    String::from_utf8(bytes).expect("ASCII in the place of ASCII")
}

fn method() -> impl Strategy<Value = MethodName<'static>> {
    prop_oneof![
        prop::sample::select(Method::ALL).prop_map(MethodName::Known),
        any::<String>()
            .prop_filter("not empty", |name| !name.is_empty())
            .prop_map(|name| MethodName::of(name.into())),
    ]
}

fn meta() -> impl Strategy<Value = Meta<'static>> {
    (any::<Option<String>>(), any::<Option<String>>(), prop::option::of(1..u64::MAX)).prop_map(
        |(parent, state, timeout_ms)| Meta {
            traceparent: parent.map(Into::into),
            tracestate: state.map(Into::into),
            timeout_ms,
        },
    )
}

fn outgoing<'a>(
    kind: Kind,
    id: Id<'a>,
    method: MethodName<'a>,
    body: &'a str,
    meta: &'a Meta<'a>,
    seq: Option<u64>,
) -> Outgoing<'a> {
    let bytes = body.as_bytes();
    match kind {
        Kind::Request => Outgoing::request(id, method, bytes, Some(meta)),
        Kind::Response => Outgoing::response(id, method.code(), bytes),
        Kind::Notification => Outgoing::notification(method, bytes, seq),
        Kind::Error => Outgoing {
            body: bytes.into(),
            ..Outgoing::error(Some(id), 0, protocol::ErrorCode::Internal, "", None)
        },
        Kind::Ping => Outgoing::ping(Some(id)),
        Kind::Pong => Outgoing::pong(Some(id)),
    }
}

/// What the other side has to see of [`outgoing`].
fn expected<'a>(
    kind: Kind,
    id: Id<'a>,
    method: MethodName<'a>,
    body: &'a str,
    meta: &Meta<'a>,
    seq: Option<u64>,
) -> Message<'a> {
    let is_call = matches!(kind, Kind::Request | Kind::Notification);
    Message {
        id: (kind != Kind::Notification).then_some(id),
        kind,
        method: is_call.then_some(method),
        body: if matches!(kind, Kind::Ping | Kind::Pong) { "" } else { body },
        meta: if kind == Kind::Request { meta.clone() } else { Meta::default() },
        seq: seq.filter(|_| kind == Kind::Notification),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn messages_come_out_of_both_formats_as_they_went_in(
        kind in prop::sample::select(&Kind::ALL),
        id_text in any::<String>().prop_filter("1 to 128 bytes", |id| (1..=128).contains(&id.len())),
        sequence in any::<u64>(),
        method in method(),
        body in value(),
        meta in meta(),
        seq in prop::option::of(1..u64::MAX),
    ) {
        let body = body.to_string();
        let token = serde_json::to_string(&id_text).expect("a string is JSON");
        for (format, id) in [
            (Format::Json, Id::Token(&token)),
            (Format::Binary, Id::Sequence(sequence)),
        ] {
            let message = outgoing(kind, id, method.clone(), &body, &meta, seq);
            let mut out = Vec::new();
            message.encode(format, &mut out);
            prop_assert_eq!(out.len(), message.encoded_len(format));
            let expected = expected(kind, id, method.clone(), &body, &meta, seq);
            let mut seen = 0;
            match format {
                Format::Json => {
                    let text = std::str::from_utf8(&out).expect("UTF-8");
                    serde_json::from_str::<Value>(text).expect("JSON");
                    text::decode(text, &Limits::default(), |decoded| {
                        assert_eq!(decoded.as_ref(), Ok(&expected));
                        seen += 1;
                    });
                }
                Format::Binary => binary::decode(&out, &mut Vec::new(), &Limits::default(), |decoded| {
                    assert_eq!(decoded.as_ref(), Ok(&expected));
                    seen += 1;
                }),
            }
            prop_assert_eq!(seen, 1);
        }
    }

    #[test]
    fn whole_values_are_accepted_and_dented_ones_are_judged_as_serde_json_does(
        value in value(), at in any::<usize>(), byte in any::<u8>(), pretty in any::<bool>(),
    ) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.expect("a value is JSON");
        prop_assert_eq!(json::validate(&text, 64), Ok(()));
        check_agreement(&dent(&text, at, byte));
    }

    #[test]
    fn near_json_is_judged_as_serde_json_does(text in nearly_json()) {
        check_agreement(&text);
    }

    #[test]
    fn members_are_those_that_serde_json_finds(
        members in prop::collection::btree_map(any::<String>(), value(), 0..8),
    ) {
        let text = serde_json::to_string_pretty(&members).expect("a map is JSON");
        let found: Vec<_> = json::members(&text)
            .map(|(key, raw)| (key.into_owned(), serde_json::from_str::<Value>(raw).expect("a raw value is JSON")))
            .collect();
        let again = |value: &Value| serde_json::from_str::<Value>(&value.to_string()).expect("JSON");
        prop_assert_eq!(found, members.iter().map(|(key, value)| (key.clone(), again(value))).collect::<Vec<_>>());
    }

    #[test]
    fn any_text_gets_at_least_one_answer_and_no_panic(text in prop_oneof![any::<String>(), nearly_json()]) {
        prop_assert!(!decode_text(&text).is_empty());
        let batch = format!("[{text}]");
        prop_assert!(!decode_text(&batch).is_empty());
        let _ = json::members(&text).count();
        let _ = json::members(&format!("{{{text}")).count();
        let _ = Id::Token(&text).canonical();
    }

    #[test]
    fn any_bytes_get_at_least_one_answer_and_no_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        payload in nearly_json(),
        kind in any::<u8>(),
        bits in 0..32_u16,
        method in 0..24_u16,
        deflated in any::<bool>(),
    ) {
        prop_assert!(!decode_binary(&bytes).is_empty());
        let payload = if deflated {
            let mut out = Vec::new();
            zlib::deflate(payload.as_bytes(), &mut out);
            out
        } else {
            payload.into_bytes()
        };
        let header = Header { kind: kind % 8, flags: bits, ..Header::new(Kind::Request, 1, method, 0) };
        let message = binary_message(header, &payload);
        prop_assert!(!decode_binary(&message).is_empty());
        let batch = Header { flags: flags::BATCH, ..Header::new(Kind::Request, 2, 0, 0) };
        prop_assert!(!decode_binary(&binary_message(batch, &[&message[..], &bytes].concat())).is_empty());
    }

    #[test]
    fn what_is_deflated_inflates_to_itself(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let (mut packed, mut out) = (Vec::new(), Vec::new());
        zlib::deflate(&bytes, &mut packed);
        prop_assert_eq!(zlib::inflate(&packed, bytes.len(), &mut out), Ok(()));
        prop_assert_eq!(out, bytes);
    }

    #[test]
    fn any_bytes_inflate_to_no_more_than_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..300), limit in 0..2000_usize) {
        let mut out = Vec::new();
        let stream = [&[0x78, 0x9c][..], &bytes].concat();
        let _ = zlib::inflate(&stream, limit, &mut out);
        prop_assert!(out.len() <= limit);
    }
}
