//! Takes messages out of the bytes of a read. It refuses what RFC 6455 forbids at the byte that breaks
//! the rule, and it holds no state but the assembly, so a read may stop and go on anywhere.

use super::assembly::Open;
use super::{Assembly, Spare, Violation};
use crate::wheel::Tick;
use fastwebsockets::{OpCode, unmask};
use protocol::CloseCode;

/// Limits of the reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) max_frame: usize,
    pub(crate) max_message: usize,
    pub(crate) max_fragments: u32,
}

/// What a peer sent: a whole message, or a control frame.
#[derive(Debug, PartialEq)]
pub(crate) enum Incoming<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    /// The code of the peer's close frame, if it had one.
    Close(Option<u16>),
}

/// The head of a frame and how many bytes it took.
struct Head {
    open: Open,
    len: usize,
}

/// One connection's reader. Its state is a pointer while nothing is half-read.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    assembly: Option<Box<Assembly>>,
}

impl Decoder {
    /// When the message that is half-read was begun, in ticks of the shard.
    pub(crate) fn since(&self) -> Option<Tick> {
        self.assembly.as_ref().map(|assembly| assembly.since)
    }

    /// Gives the assembly back if nothing is half-read.
    pub(crate) fn park(&mut self, spare: &mut Spare) {
        if let Some(assembly) = self.assembly.take_if(|assembly| assembly.is_empty()) {
            spare.put(assembly);
        }
    }

    /// The next message of `input[*at..]`, which is unmasked in place. `None`: all of it is consumed, and
    /// what was cut is kept.
    pub(crate) fn next<'a>(
        &'a mut self,
        input: &'a mut [u8],
        at: &mut usize,
        rules: &Rules,
        spare: &mut Spare,
        now: Tick,
    ) -> Result<Option<Incoming<'a>>, Violation> {
        self.park(spare);
        if self.assembly.is_none() {
            if *at == input.len() {
                return Ok(None);
            }
            // The whole frame is here: it is read where it lies.
            if let Some(head) = parse_head(&input[*at..], rules)? {
                let start = *at + head.len;
                let whole = head.open.fin && head.open.opcode != OpCode::Continuation;
                if whole && head.open.left <= input.len() - start {
                    let end = start + head.open.left;
                    *at = end;
                    let payload = &mut input[start..end];
                    unmask(payload, head.open.mask);
                    return deliver(head.open.opcode, payload).map(Some);
                }
            }
        }
        let assembly = self.assembly.get_or_insert_with(|| spare.take(now));
        assembly.settle();
        assembly.advance(input, at, rules)
    }
}

impl Assembly {
    /// Goes on from wherever the last read was cut.
    fn advance(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
        rules: &Rules,
    ) -> Result<Option<Incoming<'_>>, Violation> {
        loop {
            let open = match self.frame {
                Some(open) => open,
                None => match self.take_head(input, at, rules)? {
                    Some(open) => open,
                    None => return Ok(None),
                },
            };
            let take = open.left.min(input.len() - *at);
            let chunk = &mut input[*at..*at + take];
            unmask(chunk, open.mask);
            *at += take;
            let control = is_control(open.opcode);
            if control {
                self.control.extend_from_slice(chunk);
            } else {
                self.payload.extend_from_slice(chunk);
            }
            if take < open.left {
                let mut mask = open.mask;
                mask.rotate_left(take % 4);
                self.frame = Some(Open { left: open.left - take, mask, ..open });
                if !control && self.opcode == Some(OpCode::Text) {
                    self.check_utf8(false)?;
                }
                return Ok(None);
            }
            self.frame = None;
            if control {
                return deliver(open.opcode, &self.control).map(Some);
            }
            if self.opcode == Some(OpCode::Text) {
                self.check_utf8(open.fin)?;
            }
            if open.fin {
                self.spent = true;
                let opcode = self.opcode.unwrap_or(OpCode::Binary);
                return deliver(opcode, &self.payload).map(Some);
            }
        }
    }

    /// Reads a head, perhaps from bytes of two reads, and checks it against the message it belongs to.
    fn take_head(&mut self, input: &[u8], at: &mut usize, rules: &Rules) -> Result<Option<Open>, Violation> {
        let kept = self.head.len();
        let head = if kept == 0 {
            parse_head(&input[*at..], rules)?
        } else {
            let room = (MAX_HEAD - kept).min(input.len() - *at);
            self.head.extend_from_slice(&input[*at..*at + room]);
            parse_head(&self.head, rules)?
        };
        let Some(head) = head else {
            if kept == 0 {
                self.head.extend_from_slice(&input[*at..]);
            }
            *at = input.len();
            return Ok(None);
        };
        *at += head.len - kept;
        self.head.clear();
        let open = head.open;
        if is_control(open.opcode) {
            self.control.clear();
        } else {
            self.fragments += 1;
            match (open.opcode, self.opcode) {
                (OpCode::Continuation, None) => return Err(Violation::OrphanContinuation),
                (OpCode::Continuation, Some(_)) => {}
                (_, Some(_)) => return Err(Violation::Interleaved),
                (opcode, None) => self.opcode = Some(opcode),
            }
            if self.fragments > rules.max_fragments {
                return Err(Violation::TooManyFragments);
            }
            if open.left > rules.max_message - self.payload.len() {
                return Err(Violation::MessageTooBig);
            }
        }
        self.frame = Some(open);
        Ok(Some(open))
    }
}

/// Two bytes, eight of a long length, four of the mask.
const MAX_HEAD: usize = 14;

fn is_control(opcode: OpCode) -> bool {
    matches!(opcode, OpCode::Close | OpCode::Ping | OpCode::Pong)
}

/// Reads the head at the start of `bytes`; `None` if it is cut.
fn parse_head(bytes: &[u8], rules: &Rules) -> Result<Option<Head>, Violation> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err(Violation::ReservedBits);
    }
    let opcode = match first & 0x0F {
        0 => OpCode::Continuation,
        1 => OpCode::Text,
        2 => OpCode::Binary,
        8 => OpCode::Close,
        9 => OpCode::Ping,
        10 => OpCode::Pong,
        _ => return Err(Violation::ReservedOpcode),
    };
    let fin = first & 0x80 != 0;
    if is_control(opcode) && !fin {
        return Err(Violation::FragmentedControl);
    }
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    if second & 0x80 == 0 {
        return Err(Violation::Unmasked);
    }
    let short = second & 0x7F;
    if is_control(opcode) && short > 125 {
        return Err(Violation::LongControl);
    }
    let (len, at) = match short {
        126 => {
            let Some(wide) = bytes.get(2..4) else { return Ok(None) };
            let len = u64::from(u16::from_be_bytes([wide[0], wide[1]]));
            if len < 126 {
                return Err(Violation::LongLength);
            }
            (len, 4)
        }
        127 => {
            let Some(wide) = bytes.get(2..10).and_then(|wide| wide.first_chunk::<8>()) else {
                return Ok(None);
            };
            let len = u64::from_be_bytes(*wide);
            if len >> 63 != 0 {
                return Err(Violation::NegativeLength);
            }
            if len < 65_536 {
                return Err(Violation::LongLength);
            }
            (len, 10)
        }
        short => (u64::from(short), 2),
    };
    if !is_control(opcode) {
        if len > rules.max_frame as u64 {
            return Err(Violation::FrameTooBig);
        }
        if len > rules.max_message as u64 {
            return Err(Violation::MessageTooBig);
        }
    }
    let Some(&mask) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(None) };
    Ok(Some(Head { open: Open { opcode, fin, mask, left: len as usize }, len: at + 4 }))
}

/// A payload that is whole and unmasked, as what it means.
fn deliver(opcode: OpCode, payload: &[u8]) -> Result<Incoming<'_>, Violation> {
    Ok(match opcode {
        OpCode::Text => Incoming::Text(simdutf8::basic::from_utf8(payload).map_err(|_| Violation::NotUtf8)?),
        OpCode::Ping => Incoming::Ping(payload),
        OpCode::Pong => Incoming::Pong(payload),
        OpCode::Close => Incoming::Close(close_code(payload)?),
        OpCode::Binary | OpCode::Continuation => Incoming::Binary(payload),
    })
}

fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(Violation::ShortClose) };
    };
    let code = u16::from_be_bytes(*code);
    if !CloseCode::may_be_received(code) {
        return Err(Violation::BadCloseCode);
    }
    std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok(Some(code))
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
