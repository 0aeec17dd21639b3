//! Several binary messages in one frame, after each other and in batches.

use protocol::binary::{Header, flags};
use protocol::{ErrorCode, Kind, Limits, Method, binary, zlib};

use crate::{Said, binary_message, decode_binary, one_binary};

fn echo(sequence_id: u64) -> Vec<u8> {
    binary_message(Header::new(Kind::Request, sequence_id, Method::Echo.code(), 0), b"{}")
}

fn echoes(count: u64) -> Vec<u8> {
    (0..count).flat_map(echo).collect()
}

fn flagged(sequence_id: u64, bits: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header::new(Kind::Request, sequence_id, Method::Echo.code(), 0);
    binary_message(Header { flags: bits, ..header }, payload)
}

fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    zlib::deflate(payload, &mut out);
    out
}

#[track_caller]
fn all_messages(said: &[Said], count: usize) {
    assert_eq!(said.len(), count, "{said:?}");
    said.iter().for_each(Said::is_message);
}

#[test]
fn messages_follow_each_other_in_a_frame() {
    let said = decode_binary(&echoes(3));
    all_messages(&said, 3);
    assert_eq!(said.iter().map(Said::id).collect::<Vec<_>>(), [Some("0"), Some("1"), Some("2")]);
}

#[test]
fn a_frame_may_have_as_many_messages_as_the_limit_and_no_more() {
    all_messages(&decode_binary(&echoes(100)), 100);
    one_binary(&echoes(101)).is_rejection(None, ErrorCode::InvalidMessage, &["more than 100 messages"]);
}

#[test]
fn a_batch_holds_whole_messages() {
    all_messages(&decode_binary(&flagged(9, flags::BATCH, &echoes(3))), 3);
    let mixed = [echo(1), flagged(9, flags::BATCH, &echoes(2)), echo(2)].concat();
    all_messages(&decode_binary(&mixed), 4);
}

#[test]
fn the_messages_inside_of_batches_are_counted_with_the_others() {
    for bits in [flags::BATCH, flags::BATCH | flags::COMPRESSED] {
        let batch = |count| {
            let payload = echoes(count);
            if bits & flags::COMPRESSED == 0 {
                flagged(9, bits, &payload)
            } else {
                flagged(9, bits, &deflated(&payload))
            }
        };
        all_messages(&decode_binary(&[batch(60), batch(39), echo(1)].concat()), 100);
        let over = [batch(60), batch(40), echo(1)].concat();
        one_binary(&over).is_rejection(None, ErrorCode::InvalidMessage, &["more than 100"]);
    }
}

#[test]
fn a_limit_of_one_allows_one() {
    let limits = Limits { batch: 1, ..Limits::default() };
    for (count, expected) in [(1, "Ok"), (2, "Err")] {
        let mut said = Vec::new();
        binary::decode(&echoes(count), &mut Vec::new(), &limits, |message| {
            said.push(if message.is_ok() { "Ok" } else { "Err" });
        });
        assert_eq!(said, [expected]);
    }
}

#[test]
fn batches_do_not_nest() {
    let nested = flagged(8, flags::BATCH, &[echo(1), flagged(9, flags::BATCH, &echo(2)), echo(3)].concat());
    let said = decode_binary(&nested);
    assert_eq!(said.len(), 3);
    said[0].is_message();
    said[1].is_rejection(Some("9"), ErrorCode::InvalidMessage, &["batches do not nest"]);
    said[2].is_message();
}

#[test]
fn an_empty_batch_gets_one_answer() {
    let id = Some("9");
    one_binary(&flagged(9, flags::BATCH, b"")).is_rejection(id, ErrorCode::InvalidMessage, &["empty batch"]);
    let compressed = flagged(9, flags::BATCH | flags::COMPRESSED, &deflated(b""));
    one_binary(&compressed).is_rejection(id, ErrorCode::InvalidMessage, &["empty batch"]);
}

#[test]
fn a_wrong_message_does_not_stop_those_after_it_while_its_size_is_known() {
    let said = decode_binary(&[echo(1), flagged(2, flags::ENCRYPTED, b"x"), echo(3)].concat());
    assert_eq!(said.len(), 3);
    said[1].is_rejection(Some("2"), ErrorCode::InvalidMessage, &["encrypted"]);
    said[2].is_message();
}

#[test]
fn after_a_header_that_can_not_be_trusted_nothing_is_read() {
    let mut broken = echo(2);
    broken[0] = 0;
    let said = decode_binary(&[echo(1), broken.clone(), echo(3)].concat());
    assert_eq!(said.len(), 2);
    said[0].is_message();
    said[1].is_rejection(None, ErrorCode::InvalidMessage, &["magic"]);
    // In a batch it ends only the batch, whose size was told outside of it.
    let said = decode_binary(&[flagged(8, flags::BATCH, &[broken, echo(3)].concat()), echo(4)].concat());
    assert_eq!(said.len(), 2);
    said[0].is_rejection(None, ErrorCode::InvalidMessage, &["magic"]);
    said[1].is_message();
}

#[test]
fn compressed_and_plain_messages_mix_in_order() {
    let named = |id: u64| {
        let payload = format!("{{\"n\":{id}}}");
        flagged(id, flags::COMPRESSED, &deflated(payload.as_bytes()))
    };
    let inner = [named(11), echo(12), named(13)].concat();
    let packed = deflated(&[echo(21), echo(22)].concat());
    let frame = [
        named(1),
        flagged(50, flags::BATCH, &inner),
        echo(2),
        flagged(51, flags::BATCH | flags::COMPRESSED, &packed),
        named(3),
    ];
    let mut seen = Vec::new();
    binary::decode(&frame.concat(), &mut Vec::new(), &Limits::default(), |message| {
        let message = message.expect("all are right");
        seen.push((
            message.id.expect("a request has an id").canonical().into_owned(),
            message.body.to_owned(),
        ));
    });
    let expected = [
        ("1", "{\"n\":1}"),
        ("11", "{\"n\":11}"),
        ("12", "{}"),
        ("13", "{\"n\":13}"),
        ("2", "{}"),
        ("21", "{}"),
        ("22", "{}"),
        ("3", "{\"n\":3}"),
    ];
    assert_eq!(seen, expected.map(|(id, body)| (id.to_owned(), body.to_owned())));
}

#[test]
fn nothing_is_compressed_twice() {
    let inner = flagged(9, flags::COMPRESSED, &deflated(b"{}"));
    let frame = flagged(8, flags::BATCH | flags::COMPRESSED, &deflated(&[echo(1), inner].concat()));
    let said = decode_binary(&frame);
    assert_eq!(said.len(), 2);
    said[0].is_message();
    said[1].is_rejection(Some("9"), ErrorCode::InvalidMessage, &["compressed batch"]);
}
