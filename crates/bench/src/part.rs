//! One kind of message: the request as a frame in which only id and time are written anew, and what a right answer to it
//! looks like.

use protocol::binary::{HEADER_LEN, Header};
use protocol::{Format, Kind, Method};

use crate::frame::{self, MASK};
use crate::plan::Message;

/// Digits of an id.
const ID_DIGITS: usize = 16;
/// Digits of a time in an event's data: nanoseconds, behind a leading 1.
const TIME_DIGITS: usize = 17;
const TIME_BASE: u64 = 10_000_000_000_000_000;
/// What stands before an id in JSON.
const BEFORE_ID: &[u8] = br#"{"id":"#;
/// Where the id is in a binary header.
const SEQUENCE_ID: usize = 8;

/// A kind of message.
#[derive(Debug)]
pub(crate) struct Part {
    format: Format,
    payload: Vec<u8>,
    /// The payload in a frame.
    frame: Vec<u8>,
    /// Where the time is in the payload.
    time: Option<usize>,
    /// The right answer, but for the id; `None` if only its type is known before.
    answer: Option<Vec<u8>>,
    /// Whether answers are told to be events that subscribers get.
    pub(crate) publishes: bool,
}

impl Part {
    /// The message in this format. A `mirror` answers with what was sent. `name` is that of events.
    pub(crate) fn new(message: &Message, format: Format, mirror: bool, name: &str) -> Self {
        let (method, params) = match message {
            Message::Echo(params) => (Method::Echo, params.clone()),
            Message::Call { tool, args } => {
                let tool = serde_json::Value::from(tool.as_str());
                (Method::ToolExecute, format!(r#"{{"tool":{tool},"args":{args}}}"#))
            }
            Message::Publish(padding) => {
                let padding = "x".repeat(*padding);
                (
                    Method::EventPublish,
                    format!(r#"{{"name":"{name}","data":{{"t":{TIME_BASE},"padding":"{padding}"}}}}"#),
                )
            }
        };
        let payload = request(format, method, 10u64.pow(15), &params);
        let mut frame = Vec::new();
        frame::append(&mut frame, opcode(format), &payload);
        let publishes = matches!(message, Message::Publish(_));
        let time = publishes.then(|| find(&payload, TIME_BASE.to_string().as_bytes())).flatten();
        let answer = match message {
            _ if mirror => Some(payload.clone()),
            Message::Echo(params) => Some(answer(format, method, params)),
            _ => None,
        };
        Self { format, payload, frame, time, answer, publishes }
    }

    /// Appends the frame with this id and, in an event, this time.
    #[inline]
    pub(crate) fn append(&self, out: &mut Vec<u8>, id: u64, time: u64) {
        out.extend_from_slice(&self.frame);
        let start = out.len() - self.payload.len();
        self.number(&mut out[start..], id, time, put_masked);
    }

    /// The message by itself, with this id and, in an event, this time.
    pub(crate) fn message(&self, id: u64, time: u64) -> Vec<u8> {
        let mut message = self.payload.clone();
        self.number(&mut message, id, time, put);
        message
    }

    #[inline]
    fn number(&self, payload: &mut [u8], id: u64, time: u64, put: impl Fn(&mut [u8], usize, &[u8])) {
        match self.format {
            Format::Json => put(payload, BEFORE_ID.len(), &digits::<ID_DIGITS>(id)),
            Format::Binary => put(payload, SEQUENCE_ID, &id.to_be_bytes()),
        }
        if let Some(at) = self.time {
            put(payload, at, &digits::<TIME_DIGITS>(TIME_BASE + time));
        }
    }

    /// Whether this is a right answer; its id was read already.
    #[inline]
    pub(crate) fn is_answer(&self, payload: &[u8]) -> bool {
        let id = match self.format {
            Format::Json => BEFORE_ID.len()..BEFORE_ID.len() + ID_DIGITS,
            Format::Binary => SEQUENCE_ID..SEQUENCE_ID + 8,
        };
        match (&self.answer, self.format) {
            (Some(right), _) => {
                right.len() == payload.len()
                    && right[..id.start] == payload[..id.start]
                    && right[id.end..] == payload[id.end..]
            }
            (None, Format::Json) => payload[id.end..].starts_with(br#","type":1,"#),
            (None, Format::Binary) => payload[5] == Kind::Response.as_u8(),
        }
    }
}

/// The opcode of a format's frames.
pub(crate) const fn opcode(format: Format) -> u8 {
    match format {
        Format::Json => frame::TEXT,
        Format::Binary => frame::BINARY,
    }
}

/// The payload of one request. `params` is JSON text.
pub(crate) fn request(format: Format, method: Method, id: u64, params: &str) -> Vec<u8> {
    match format {
        Format::Json => {
            let name = method.name();
            format!(r#"{{"id":{id},"type":0,"method":"{name}","params":{params}}}"#).into_bytes()
        }
        Format::Binary => message(Kind::Request, method, id, params),
    }
}

/// The payload of the answer to a request of the placeholder's id.
fn answer(format: Format, method: Method, result: &str) -> Vec<u8> {
    let id = 10u64.pow(15);
    match format {
        Format::Json => format!(r#"{{"id":{id},"type":1,"result":{result}}}"#).into_bytes(),
        Format::Binary => message(Kind::Response, method, id, result),
    }
}

fn message(kind: Kind, method: Method, id: u64, body: &str) -> Vec<u8> {
    // What is over 4 GiB no gateway takes, and it says so.
    let size = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut message = Header::new(kind, id, method.code(), size).encode().to_vec();
    message.extend_from_slice(body.as_bytes());
    message
}

/// The id of an answer to a request of a part, if it is one.
#[inline]
pub(crate) fn id(format: Format, payload: &[u8]) -> Option<u64> {
    match format {
        Format::Json => {
            let text = payload.strip_prefix(BEFORE_ID)?.first_chunk::<ID_DIGITS>()?;
            number(text)
        }
        Format::Binary => {
            let header = payload.first_chunk::<HEADER_LEN>()?;
            Some(Header::decode(header).sequence_id)
        }
    }
}

/// Finds the times in events that were published by a [`Part`].
#[derive(Debug)]
pub(crate) struct Events {
    before: Vec<u8>,
    format: Format,
}

impl Events {
    /// For events of this name.
    pub(crate) fn new(format: Format, name: &str) -> Self {
        let params = format!(r#"{{"name":"{name}","data":{{"t":"#);
        let before = match format {
            Format::Json => format!(r#"{{"type":2,"method":"event","params":{params}"#),
            Format::Binary => params,
        };
        Self { before: before.into_bytes(), format }
    }

    /// When the event was due; `None` if it is none of these.
    #[inline]
    pub(crate) fn time(&self, payload: &[u8]) -> Option<u64> {
        let payload = match self.format {
            Format::Json => payload,
            Format::Binary => {
                let header = Header::decode(payload.first_chunk()?);
                let is_event =
                    header.kind == Kind::Notification.as_u8() && header.method == Method::Event.code();
                is_event.then(|| &payload[HEADER_LEN..])?
            }
        };
        let text = payload.strip_prefix(&*self.before)?.first_chunk::<TIME_DIGITS>()?;
        number(text)?.checked_sub(TIME_BASE)
    }
}

/// Writes over a payload.
#[inline]
fn put(payload: &mut [u8], at: usize, bytes: &[u8]) {
    payload[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Writes over a masked payload.
#[inline]
fn put_masked(payload: &mut [u8], at: usize, bytes: &[u8]) {
    for (index, (place, byte)) in payload[at..at + bytes.len()].iter_mut().zip(bytes).enumerate() {
        *place = byte ^ MASK[(at + index) % MASK.len()];
    }
}

#[inline]
fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    digits
}

#[inline]
fn number<const N: usize>(text: &[u8; N]) -> Option<u64> {
    let mut number = 0;
    for digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
    }
    Some(number)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Head;

    const ID: u64 = 1_234_567_890_123_456;

    /// The payload of the one frame that a part makes.
    fn sent(part: &Part, id: u64, time: u64) -> Vec<u8> {
        let mut frame = Vec::new();
        part.append(&mut frame, id, time);
        frame[1] &= 0x7f;
        let head = Head::parse(&frame).expect("a frame").expect("in whole");
        let masked = &frame[head.head + 4..];
        masked.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }

    #[test]
    fn a_request_is_the_same_but_for_its_id_in_both_formats() {
        for format in [Format::Json, Format::Binary] {
            let part = Part::new(&Message::Echo(r#"{"n":1}"#.to_owned()), format, false, "");
            assert_eq!(sent(&part, ID, 0), request(format, Method::Echo, ID, r#"{"n":1}"#));
            assert_eq!(part.message(ID, 0), sent(&part, ID, 0));
            assert_eq!(id(format, &sent(&part, ID, 0)), Some(ID));
        }
    }

    #[test]
    fn only_the_echo_of_what_was_sent_is_a_right_answer() {
        for format in [Format::Json, Format::Binary] {
            let part = Part::new(&Message::Echo("[1]".to_owned()), format, false, "");
            let mut right = answer(format, Method::Echo, "[1]");
            assert!(part.is_answer(&right), "{format:?}");
            assert!(!part.is_answer(&answer(format, Method::Echo, "[2]")));
            assert!(!part.is_answer(&request(format, Method::Echo, ID, "[1]")));
            right.push(b' ');
            assert!(!part.is_answer(&right));
            let mirrored = Part::new(&Message::Echo("[1]".to_owned()), format, true, "");
            assert!(mirrored.is_answer(&sent(&mirrored, ID, 0)));
        }
    }

    #[test]
    fn an_event_tells_when_it_was_due() {
        for format in [Format::Json, Format::Binary] {
            let part = Part::new(&Message::Publish(3), format, false, "bench.a");
            let params = format!(r#"{{"name":"bench.a","data":{{"t":{},"padding":"xxx"}}}}"#, TIME_BASE + 42);
            assert_eq!(sent(&part, ID, 42), request(format, Method::EventPublish, ID, &params));
            assert_eq!(part.message(ID, 42), sent(&part, ID, 42));
            let event = match format {
                Format::Json => {
                    format!(r#"{{"type":2,"method":"event","params":{params},"seq":7}}"#).into_bytes()
                }
                Format::Binary => message(Kind::Notification, Method::Event, 7, &params),
            };
            assert_eq!(Events::new(format, "bench.a").time(&event), Some(42));
            assert_eq!(Events::new(format, "bench.b").time(&event), None);
        }
    }
}
