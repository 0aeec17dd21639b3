//! What a client hears of a call before its answer: `tool.progress`.

use super::exchange::Exchange;
use protocol::{Id, Method, Outgoing, pb};

/// Sends `tool.progress` with the request's id and this member.
pub(super) fn notify(id: Id<'_>, member: &[u8], exchange: &mut Exchange<'_>) {
    let mut params = b"{\"id\":".to_vec();
    let sequence = match id {
        Id::Token(token) => {
            params.extend_from_slice(token.as_bytes());
            None
        }
        Id::Sequence(number) => {
            params.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            Some(number)
        }
    };
    params.push(b',');
    params.extend_from_slice(member);
    params.push(b'}');
    exchange.send(&Outgoing::notification(Method::ToolProgress, params, sequence));
}

/// Its members: `progress`, and `total` and `message` if they are known.
pub(crate) fn member_of(progress: &pb::Progress) -> Vec<u8> {
    let mut member = Vec::with_capacity(64);
    let number = |value: f64, out: &mut Vec<u8>| {
        // JSON has no NaN; whole numbers are written without a fraction.
        if value.fract() == 0.0 && value.abs() < 9e15 {
            out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            out.extend_from_slice(
                serde_json::Number::from_f64(value).map_or_else(|| "0".into(), |n| n.to_string()).as_bytes(),
            );
        }
    };
    member.extend_from_slice(b"\"progress\":");
    number(progress.progress, &mut member);
    if progress.total != 0.0 {
        member.extend_from_slice(b",\"total\":");
        number(progress.total, &mut member);
    }
    if !progress.message.is_empty() {
        member.extend_from_slice(b",\"message\":");
        // Writing a string into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut member, &progress.message);
    }
    member
}
