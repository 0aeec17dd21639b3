//! The HTTP upgrade, as octets. Knows no socket.

use protocol::Format;

use crate::Target;

/// The sample of RFC 6455 section 1.3, with the answer that belongs to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// The most of a refusal's body that is shown.
const REASON_CHARS: usize = 300;

/// An answer to an upgrade request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It is not there in whole.
    Unfinished,
    /// Upgraded; frames begin behind so many bytes.
    Upgraded(usize),
    /// Refused: the kind, and what the server says.
    Refused(String, String),
}

/// The subprotocol of a format.
pub(crate) const fn subprotocol(format: Format) -> &'static str {
    match format {
        Format::Json => "mcp.v1",
        Format::Binary => "mcp.v1.binary",
    }
}

/// The request of a client with this token and, unless the server is a bare one, this subprotocol.
pub(crate) fn request(target: &Target, format: Option<Format>, token: Option<&str>) -> String {
    let (path, authority) = (target.path(), target.authority());
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    );
    if let Some(format) = format {
        request += &format!("Sec-WebSocket-Protocol: {}\r\n", subprotocol(format));
    }
    if let Some(token) = token {
        request += &format!("Authorization: Bearer {token}\r\n");
    }
    request + "\r\n"
}

/// Reads what came.
pub(crate) fn reply(bytes: &[u8], format: Option<Format>, ended: bool) -> Reply {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Reply::Unfinished;
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let body = &bytes[end + 4..];
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "101" {
        let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
        if !ended && body.len() < length.unwrap_or(0) {
            return Reply::Unfinished;
        }
        return Reply::Refused(format!("refused with {status}"), reason(&head, body));
    }
    if header(&head, "sec-websocket-accept") != Some(ACCEPT) {
        let told = "Sec-WebSocket-Accept is missing or does not belong to this request".to_owned();
        return Reply::Refused("no proper upgrade".to_owned(), told);
    }
    let wanted = format.map(subprotocol);
    if header(&head, "sec-websocket-protocol") != wanted {
        let told = format!("the subprotocol {wanted:?} was asked for, and not agreed on");
        return Reply::Refused("no proper upgrade".to_owned(), told);
    }
    Reply::Upgraded(end + 4)
}

/// What a refusal says: the text of `{"error":"…"}`, or all of the body, or the status line; and its challenge.
fn reason(head: &str, body: &[u8]) -> String {
    let told = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|body| body["error"].as_str().map(str::to_owned))
        .unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
    let status = head.lines().next().unwrap_or_default();
    let challenge = header(head, "www-authenticate").map(|text| format!(" ({text})")).unwrap_or_default();
    let text = if told.is_empty() { status.to_owned() } else { told };
    text.chars().take(REASON_CHARS).collect::<String>() + &challenge
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expected: Reply) {
        assert_eq!(reply(answer.as_bytes(), Some(Format::Json), false), expected, "{answer}");
    }

    #[test]
    fn answers_are_told_apart() {
        let upgraded = format!(
            "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\nSec-WebSocket-Protocol: mcp.v1\r\n\r\n"
        );
        check(&format!("{upgraded}rest"), Reply::Upgraded(upgraded.len()));
        check(&upgraded[..upgraded.len() - 1], Reply::Unfinished);
        let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 13\r\nWWW-Authenticate: Bearer\r\n\r\n";
        check(&format!("{refused}{{\"error\":"), Reply::Unfinished);
        let expected = Reply::Refused("refused with 401".to_owned(), "no (Bearer)".to_owned());
        check(&format!("{refused}{{\"error\":\"no\"}}"), expected);
        let foreign = upgraded.replace("mcp.v1", "other");
        assert!(matches!(reply(foreign.as_bytes(), Some(Format::Json), false), Reply::Refused(..)));
        assert!(matches!(reply(upgraded.as_bytes(), None, false), Reply::Refused(..)));
    }
}
