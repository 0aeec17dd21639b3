//! Batches of `mcp.v1`.

use protocol::ErrorCode;

use crate::{decode_text, one_text};

fn echo(id: usize) -> String {
    format!(r#"{{"id":{id},"type":0,"method":"echo","params":{{"n":{id}}}}}"#)
}

fn batch(count: usize) -> String {
    format!("[{}]", (0..count).map(echo).collect::<Vec<_>>().join(","))
}

#[test]
fn the_messages_of_a_batch_come_in_order() {
    let said = decode_text(&format!(" [ {} , {} , {} ] ", echo(7), echo(8), echo(9)));
    assert_eq!(said.len(), 3);
    said.iter().for_each(|said| said.is_message());
    assert_eq!(said.iter().map(|said| said.id()).collect::<Vec<_>>(), [Some("7"), Some("8"), Some("9")]);
}

#[test]
fn a_batch_may_have_as_many_messages_as_the_limit_and_no_more() {
    let said = decode_text(&batch(100));
    assert_eq!(said.len(), 100);
    said.iter().for_each(|said| said.is_message());
    one_text(&batch(101)).is_rejection(None, ErrorCode::InvalidMessage, &["101 messages", "at most 100"]);
}

#[test]
fn an_empty_batch_gets_one_answer() {
    for frame in ["[]", " [ ] "] {
        one_text(frame).is_rejection(None, ErrorCode::InvalidMessage, &["empty batch"]);
    }
}

#[test]
fn nothing_of_a_broken_batch_is_delivered() {
    for end in ["", ",]", ",{]", "]]", "] x", ",{\"a\":1,\"a\":2}]"] {
        let frame = format!("[{},{}{end}", echo(1), echo(2));
        one_text(&frame).is_rejection(None, ErrorCode::InvalidMessage, &["invalid JSON at byte"]);
    }
}

#[test]
fn wrong_messages_in_a_batch_do_not_stop_the_others() {
    let said = decode_text(&format!(r#"[{},[{}],7,{{"id":"x","type":9}},{}]"#, echo(1), echo(2), echo(3)));
    assert_eq!(said.len(), 5);
    said[0].is_message();
    said[1].is_rejection(None, ErrorCode::InvalidMessage, &["element 1", "batches do not nest"]);
    said[2].is_rejection(None, ErrorCode::InvalidMessage, &["element 2", "must be an object"]);
    said[3].is_rejection(Some("\"x\""), ErrorCode::InvalidMessage, &["unknown type 9"]);
    said[4].is_message();
}

#[test]
fn the_array_counts_as_one_level_of_depth() {
    let frame = |depth: usize| {
        let params = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        format!(r#"[{{"id":1,"type":0,"method":"echo","params":{params}}}]"#)
    };
    one_text(&frame(62)).is_message();
    one_text(&frame(63)).is_rejection(None, ErrorCode::InvalidMessage, &["nested too deeply"]);
}
