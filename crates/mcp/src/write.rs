//! Messages on their way out. Trusts its caller that what it is given as raw is JSON.

use crate::{Error, Id};
use protocol::json;

const BEGIN: &[u8] = b"{\"jsonrpc\":\"2.0\"";

/// Appends the answer to a request. `result` is a raw object.
pub fn response(id: Id<'_>, result: &[u8], out: &mut Vec<u8>) {
    out.reserve(result.len() + 64);
    out.extend_from_slice(BEGIN);
    member_id(id, out);
    out.extend_from_slice(b",\"result\":");
    out.extend_from_slice(result);
    out.push(b'}');
}

/// Appends why a request has no result. Without an id it is `null`, as JSON-RPC says.
pub fn failure(id: Option<Id<'_>>, error: &Error, out: &mut Vec<u8>) {
    out.extend_from_slice(BEGIN);
    match id {
        Some(id) => member_id(id, out),
        None => out.extend_from_slice(b",\"id\":null"),
    }
    out.extend_from_slice(b",\"error\":");
    error.write(out);
    out.push(b'}');
}

/// Appends a request. `params` is a raw object, empty for none.
pub fn request(id: Id<'_>, method: &str, params: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(BEGIN);
    member_id(id, out);
    call(method, params, out);
}

/// Appends a notification. `params` is a raw object, empty for none.
pub fn notification(method: &str, params: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(BEGIN);
    call(method, params, out);
}

fn member_id(id: Id<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"id\":");
    write_id(id, out);
}

fn write_id(id: Id<'_>, out: &mut Vec<u8>) {
    match id {
        Id::Token(token) => out.extend_from_slice(token.as_bytes()),
        Id::Sequence(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
    }
}

fn call(method: &str, params: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"method\":");
    json::write_string(method, out);
    if !params.is_empty() {
        out.extend_from_slice(b",\"params\":");
        out.extend_from_slice(params);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn what_is_written_is_read_again() {
        let id = Id::Token("\"a\"");
        let check = |write: &dyn Fn(&mut Vec<u8>), expected: Message<'_>| {
            let mut out = Vec::new();
            write(&mut out);
            let text = std::str::from_utf8(&out).expect("text");
            assert_eq!(Message::decode(text, 64), Ok(expected), "{text}");
        };
        check(&|out| response(id, b"{}", out), Message::Response { id, result: "{}" });
        check(
            &|out| request(id, "a\"b", b"{\"c\":1}", out),
            Message::Request { id, method: "a\"b".into(), params: "{\"c\":1}" },
        );
        check(&|out| notification("a", b"", out), Message::Notification { method: "a".into(), params: "" });
        let error = Error::new(1, "x");
        let raw = error.to_json();
        check(&|out| failure(Some(id), &error, out), Message::Failure { id: Some(id), error: &raw });
        check(&|out| failure(None, &error, out), Message::Failure { id: None, error: &raw });
    }
}
