//! `mcp.v1`: JSON text frames. Knows nothing of sockets and of what methods mean.

mod decode;
mod elements;
mod encode;
mod wrapped;

pub(crate) use decode::NamedCall;
pub(crate) use encode::{encode, encoded_len, named_call_len, write_named_call};

use decode::{Fields, rejection};

use crate::json::{Fault, Malformed, Scanner};
use crate::{Limits, Message, Rejection, Signed};

const NOT_SIGNED_HERE: &str = "a signed message where none is taken: signed messages are not enabled here, or this one stands in another";

/// Decodes a text frame: one message, or a batch (an array of messages). `on` is called for each
/// in order. A batch is checked as a whole before its first message is delivered; a frame that is
/// not JSON, an empty batch and a batch over the limit are one rejection. Messages borrow from
/// `text`; nothing is allocated for those that are accepted, unless a method or trace context is
/// written with escapes or an object has more keys than any before.
pub fn decode<'a>(text: &'a str, limits: &Limits, mut on: impl FnMut(Result<Message<'a>, Rejection<'a>>)) {
    let depth = limits.depth.min(Limits::MAX_DEPTH);
    Scanner::run(text, |scanner| {
        let start = scanner.space(0);
        match scanner.byte(start) {
            b'{' => on(one(scanner, start, depth, limits)),
            b'[' => batch(scanner, start, depth, limits, &mut on),
            _ => on(Err(neither(scanner, depth))),
        }
    });
}

/// The same where messages may be signed: `on` also gets the signature that each stands under. A
/// batch is signed as a whole. Nothing is known of a signature but its form.
pub fn decode_signed<'a>(
    text: &'a str,
    limits: &Limits,
    mut on: impl FnMut(Result<Message<'a>, Rejection<'a>>, Option<Signed<'a>>),
) {
    match wrapped::unwrap(text, limits) {
        None => decode(text, limits, |message| on(message, None)),
        Some(Err(rejection)) => on(Err(rejection), None),
        Some(Ok((text, mut signed))) => decode(text, limits, |message| {
            on(message, Some(signed));
            signed.is_first = false;
        }),
    }
}

#[inline(always)]
fn one<'a>(
    scanner: &mut Scanner<'a>,
    open: usize,
    depth: usize,
    limits: &Limits,
) -> Result<Message<'a>, Rejection<'a>> {
    let mut fields = Fields::default();
    let scanned =
        scanner.start().and_then(|_| fields.scan(scanner, open, depth)).and_then(|end| scanner.end(end));
    match scanned {
        Ok(_) => fields.read(limits).map_err(|rejection| untyped(rejection, &fields, scanner, limits)),
        Err(Fault) => Err(faulty(&fields, scanner.fault(), limits)),
    }
}

/// What is wrong with a message that can't be read may be that it is signed.
#[cold]
fn untyped<'a>(
    rejection: Rejection<'a>,
    fields: &Fields<'a>,
    scanner: &Scanner<'a>,
    limits: &Limits,
) -> Rejection<'a> {
    if fields.has_type() || !wrapped::is_signed(scanner.text(), limits) {
        return rejection;
    }
    Rejection { message: NOT_SIGNED_HERE.into(), ..rejection }
}

#[cold]
fn faulty<'a>(fields: &Fields<'a>, fault: Malformed, limits: &Limits) -> Rejection<'a> {
    rejection(fields.readable_id(limits), fault.to_string())
}

fn batch<'a>(
    scanner: &mut Scanner<'a>,
    open: usize,
    depth: usize,
    limits: &Limits,
    on: &mut impl FnMut(Result<Message<'a>, Rejection<'a>>),
) {
    let inner = depth.saturating_sub(1);
    let mut count = 0;
    let mut elements = elements::take();
    let checked = scanner
        .start()
        .and_then(|_| {
            scanner.elements(open, depth, |scanner, at| {
                count += 1;
                let mut fields = Fields::default();
                let first = scanner.byte(at);
                let end = match first {
                    b'{' => fields.scan(scanner, at, inner)?,
                    _ => scanner.value(at, inner)?,
                };
                // Beyond the limit counting is all that is left to do.
                if count <= limits.batch {
                    elements.push((first, fields));
                }
                Ok(end)
            })
        })
        .and_then(|end| scanner.end(end));
    if checked.is_err() {
        on(Err(rejection(None, scanner.fault().to_string())));
    } else if count == 0 {
        on(Err(rejection(None, "an empty batch; a batch holds at least one message")));
    } else if count > limits.batch {
        on(Err(rejection(None, over_limit(count, limits.batch))));
    } else {
        for (index, (first, fields)) in elements.iter().enumerate() {
            on(match first {
                b'{' => fields.read(limits),
                _ => Err(no_message(index, *first)),
            });
        }
    }
    elements::put_back(elements);
}

#[cold]
fn over_limit(count: usize, most: usize) -> String {
    format!("a batch of {count} messages, none of them was executed; at most {most} may be in one")
}

#[cold]
fn no_message(element: usize, first: u8) -> Rejection<'static> {
    let what = if first == b'[' { "an array; batches do not nest" } else { "no message" };
    rejection(None, format!("element {element} of the batch is {what}; each must be an object"))
}

#[cold]
fn neither(scanner: &mut Scanner<'_>, depth: usize) -> Rejection<'static> {
    let scanned = scanner.start().and_then(|at| scanner.value(at, depth)).and_then(|end| scanner.end(end));
    match scanned {
        Ok(_) => rejection(None, "a message must be a JSON object, a batch an array of objects"),
        Err(Fault) => rejection(None, scanner.fault().to_string()),
    }
}
