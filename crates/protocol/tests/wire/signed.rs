//! Signed messages: what stands under which signature, and which bytes are given to whoever judges it.

use proptest::prelude::*;
use protocol::binary::{Header, flags};
use protocol::signed::{MAC_LEN, Mac, OVERHEAD, TRAILER_LEN, preamble, write};
use protocol::{ErrorCode, Format, Kind, Limits, Message, Rejection, Signed, binary, text};

use crate::{Said, binary_message, decode_binary, decode_text, one_binary, one_text};

/// Not an HMAC, but a sum that shows each changed byte: what is tested here has no part in making one.
#[derive(Clone, Default)]
struct Sum(Vec<u8>);

impl Mac for Sum {
    fn update(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn end(self) -> [u8; MAC_LEN] {
        let mut sum = [0_u8; MAC_LEN];
        for (at, byte) in self.0.iter().enumerate() {
            let slot = &mut sum[at % MAC_LEN];
            *slot = slot.rotate_left(3).wrapping_mul(5).wrapping_add(*byte).wrapping_add(1);
        }
        sum
    }
}

/// What was said, under which signature, and the bytes that it covers.
type Judged = (Said, Option<(u64, u64, bool, [u8; MAC_LEN], Vec<u8>)>);

fn judged(result: Result<Message<'_>, Rejection<'_>>, signed: Option<Signed<'_>>) -> Judged {
    let signed = signed.map(|signed| {
        let mut covered = Vec::new();
        signed.feed(|bytes| covered.extend_from_slice(bytes));
        (signed.timestamp, signed.nonce, signed.is_first, signed.mac, covered)
    });
    (Said::of(result), signed)
}

fn decode_signed(format: Format, frame: &[u8]) -> Vec<Judged> {
    let mut all = Vec::new();
    let limits = Limits::default();
    match format {
        Format::Json => {
            let frame = std::str::from_utf8(frame).expect("a text");
            text::decode_signed(frame, &limits, |message, signed| all.push(judged(message, signed)));
        }
        Format::Binary => binary::decode_signed(frame, &mut Vec::new(), &limits, |message, signed| {
            all.push(judged(message, signed));
        }),
    }
    all
}

fn sign(format: Format, message: &[u8], timestamp: u64, nonce: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write(format, message, timestamp, nonce, &mut out, Sum::default());
    assert!(out.len() <= message.len() + OVERHEAD);
    out
}

fn echo(sequence_id: u64) -> Vec<u8> {
    binary_message(Header::new(Kind::Request, sequence_id, 15, 0), b"[1]")
}

#[test]
fn a_text_covers_its_numbers_and_the_message_byte_by_byte() {
    let message = "{ \"id\" : 1,\"type\":0 ,\"method\":\"ech\\u006f\"}";
    let frame = format!(
        "\n{{ \"nonce\":7, \"signature\":\"{}\" ,\"message\": {message} ,\"timestamp\":12}} ",
        "A".repeat(43)
    );
    let all = decode_signed(Format::Json, frame.as_bytes());
    let [(said, Some((12, 7, true, mac, covered)))] = &*all else { panic!("{all:?}") };
    said.is_message();
    assert_eq!((mac, covered), (&[0; MAC_LEN], &format!("12\n7\n{message}").into_bytes()));
}

#[test]
fn a_packet_covers_all_but_the_mac() {
    let mut frame = echo(7);
    frame[7] = flags::SIGNED as u8;
    frame[23] += TRAILER_LEN as u8;
    frame.extend_from_slice(&12_u64.to_be_bytes());
    let covered = frame.clone();
    frame.extend_from_slice(&[9; MAC_LEN]);
    // Behind it one that is not signed, and one that is.
    let whole = [frame.clone(), echo(8), frame].concat();
    let all = decode_signed(Format::Binary, &whole);
    let [(first, Some(one)), (second, None), (third, Some(other))] = &*all else { panic!("{all:?}") };
    for (said, id) in [(first, "7"), (second, "8"), (third, "7")] {
        said.is_message();
        assert_eq!(said.id(), Some(id));
    }
    assert_eq!(one, &(12, 7, true, [9; MAC_LEN], covered));
    assert_eq!(one, other);
}

#[test]
fn what_was_written_is_read() {
    let batch = br#"[{"id":1,"type":0,"method":"echo"},7,{"id":2,"type":4}]"#;
    for (format, message) in [(Format::Json, batch.to_vec()), (Format::Binary, [echo(5), echo(3)].concat())] {
        let frame = sign(format, &message, u64::MAX, u64::MAX - 1);
        let all = decode_signed(format, &frame);
        for (place, (_, signed)) in all.iter().enumerate() {
            let (timestamp, nonce, is_first, mac, covered) = signed.clone().expect("all of it is signed");
            assert_eq!((timestamp, nonce, is_first), (u64::MAX, u64::MAX - 1, place == 0));
            assert_eq!(Sum(covered).end(), mac, "{format:?}");
        }
        let ids: Vec<_> = all.iter().map(|(said, _)| said.id()).collect();
        let expected: &[_] = match format {
            Format::Json => &[Some("1"), None, Some("2")],
            Format::Binary => &[Some("5"), Some("3")],
        };
        assert_eq!(ids, expected);
    }
}

#[test]
fn preambles_differ_by_format_and_connection() {
    assert_eq!(preamble(Format::Json, "id"), "mcp.v1\nid\n");
    assert_eq!(preamble(Format::Binary, "id"), "mcp.v1.binary\nid\n");
}

#[test]
fn a_message_with_a_type_is_no_signed_one() {
    for frame in [
        r#"{"id":1,"type":4,"signature":"x"}"#,
        r#"{"type":4,"message":{},"timestamp":1,"nonce":1,"signature":"x"}"#,
        r#"{"id":1,"type":0,"method":"echo","params":{"signature":"x","message":{}}}"#,
        r#"[{"id":1,"type":4,"signature":"x"}]"#,
    ] {
        let all = decode_signed(Format::Json, frame.as_bytes());
        let [(said, None)] = &*all else { panic!("{all:?}") };
        said.is_message();
    }
}

#[test]
fn where_nothing_is_signed_a_signed_message_is_told_so() {
    let json = sign(Format::Json, br#"{"id":1,"type":4}"#, 1, 1);
    let names = &["signed messages are not enabled here"];
    one_text(std::str::from_utf8(&json).expect("a text")).is_rejection(
        None,
        ErrorCode::InvalidMessage,
        names,
    );
    let packets = sign(Format::Binary, &echo(5), 1, 9);
    one_binary(&packets).is_rejection(Some("9"), ErrorCode::InvalidMessage, names);
}

#[test]
fn a_signature_that_does_not_fit_is_refused() {
    let header = |size: u32| Header { flags: flags::SIGNED, ..Header::new(Kind::Request, 7, 15, size) };
    for size in [0, 8, TRAILER_LEN as u32 - 1] {
        let frame = binary_message(header(size), &vec![0; size as usize]);
        let all = decode_signed(Format::Binary, &frame);
        let [(said, None)] = &*all else { panic!("{all:?}") };
        said.is_rejection(Some("7"), ErrorCode::InvalidMessage, &["signed (8)", "32"]);
    }
    // Only a trailer: no params.
    let frame = binary_message(header(TRAILER_LEN as u32), &[0; TRAILER_LEN]);
    let all = decode_signed(Format::Binary, &frame);
    let [(said, Some(_))] = &*all else { panic!("{all:?}") };
    said.is_message();
}

#[test]
fn what_is_in_a_batch_is_not_signed_itself() {
    let inner = sign(Format::Binary, &echo(5), 1, 9);
    for outer in [
        binary_message(Header { flags: flags::BATCH, ..Header::new(Kind::Request, 1, 0, 0) }, &inner),
        sign(Format::Binary, &inner, 1, 10),
    ] {
        let all = decode_signed(Format::Binary, &outer);
        let [(said, _)] = &*all else { panic!("{all:?}") };
        said.is_rejection(Some("9"), ErrorCode::InvalidMessage, &["sign the batch"]);
    }
    assert_eq!(decode_binary(&inner).len(), 1);
}

/// A message, or several, in one of the formats.
fn messages() -> impl Strategy<Value = (Format, Vec<u8>)> {
    let json = prop::collection::vec("[ -~]{0,12}", 1..5).prop_map(|texts| {
        let one = |(id, text): (usize, &String)| {
            serde_json::json!({"id": id, "type": 0, "method": "echo", "params": text}).to_string()
        };
        let all: Vec<_> = texts.iter().enumerate().map(one).collect();
        let frame = if let [one] = &*all { one.clone() } else { format!("[{}]", all.join(" , ")) };
        (Format::Json, frame.into_bytes())
    });
    let binary = prop::collection::vec(any::<u64>(), 1..5)
        .prop_map(|ids| (Format::Binary, ids.into_iter().flat_map(echo).collect::<Vec<u8>>()));
    prop_oneof![json, binary]
}

proptest! {
    #[test]
    fn all_messages_of_a_frame_stand_under_its_signature(
        (format, message) in messages(), timestamp in any::<u64>(), nonce in any::<u64>(),
    ) {
        let frame = sign(format, &message, timestamp, nonce);
        let alone = match format {
            Format::Json => decode_text(std::str::from_utf8(&message).expect("ASCII")),
            Format::Binary => decode_binary(&message),
        };
        let all = decode_signed(format, &frame);
        prop_assert_eq!(all.len(), alone.len());
        for ((said, signed), alone) in all.into_iter().zip(alone) {
            said.is_message();
            prop_assert_eq!(said.id(), alone.id());
            let (its_timestamp, its_nonce, _, mac, covered) = signed.expect("it is signed");
            prop_assert_eq!((its_timestamp, its_nonce), (timestamp, nonce));
            prop_assert_eq!(Sum(covered).end(), mac);
        }
    }

    #[test]
    fn a_changed_byte_is_seen_by_whoever_judges_the_signature(
        (format, message) in messages(), at in any::<prop::sample::Index>(), change in 1..128_u8,
    ) {
        let mut frame = sign(format, &message, 1_769_860_800_000, 7);
        let at = at.index(frame.len());
        // Without its flag a packet is not signed any more, and read as such.
        prop_assume!(format == Format::Json || at != 7);
        frame[at] ^= change;
        // What is no text does not come so far.
        prop_assume!(format == Format::Binary || std::str::from_utf8(&frame).is_ok());
        let all = decode_signed(format, &frame);
        prop_assert!(!all.is_empty());
        for (said, signed) in all {
            match signed {
                Some((.., mac, covered)) => prop_assert_ne!(Sum(covered).end(), mac, "{:?}", said),
                // Where not even the signature can be read, the frame is no message either.
                None => prop_assert!(matches!(said, Said::Rejection { .. }), "{:?}", said),
            }
        }
    }

    #[test]
    fn anything_in_place_of_a_signed_message_is_answered(
        text in "[{}\\[\\]\",:a-z0-9 ]{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let frame = format!("{{\"message\":{text},\"timestamp\":1,\"nonce\":1,\"signature\":\"{}\"}}", "A".repeat(43));
        prop_assert!(!decode_signed(Format::Json, frame.as_bytes()).is_empty());
        prop_assert!(!decode_signed(Format::Binary, &bytes).is_empty());
        let header = Header { flags: flags::SIGNED | flags::BATCH, ..Header::new(Kind::Request, 1, 0, 0) };
        prop_assert!(!decode_signed(Format::Binary, &binary_message(header, &bytes)).is_empty());
    }
}
