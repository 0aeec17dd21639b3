//! The way out of a conversation: answers are encoded into the buffer that one write will carry.

use super::asker::{Asker, OwnedId};
use super::mcp::words;
use super::tail::Tail;
use crate::shard::{Peer, Shard};
use crate::trace;
use crate::wire::Wire;
use crate::ws::write_head;
use fastwebsockets::OpCode;
use metrics::trace::Open;
use protocol::{CloseCode, ErrorCode, Format, Id, Kind, Message, Outgoing, zlib};
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

/// The conversation is to end with this close frame.
#[derive(Debug)]
pub(crate) struct Close {
    pub(crate) code: CloseCode,
    pub(crate) reason: Cow<'static, str>,
}

impl Close {
    pub(crate) fn new(code: CloseCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// Encodes messages as frames into a buffer.
pub(crate) struct Outbox<'a> {
    pub(crate) wire: Wire,
    /// Payloads over the threshold are deflated.
    pub(crate) deflate: bool,
    /// Frames; the first `sent` bytes of them are on their way already.
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) sent: usize,
    pub(crate) zlib: &'a mut Vec<u8>,
    pub(crate) shard: &'a Shard,
    /// Whoever watches; mostly nobody.
    pub(crate) tail: Option<Rc<Tail>>,
}

impl Outbox<'_> {
    pub(crate) fn is_binary(&self) -> bool {
        self.wire == Wire::Binary
    }

    /// Whether a body of this size is deflated.
    pub(crate) fn deflates(&self, size: usize) -> bool {
        self.deflate && size >= self.shard.terms().config.compression.threshold
    }

    /// Appends one message as one frame.
    pub(crate) fn send(&mut self, message: &Outgoing<'_>) {
        self.shard.counters.sent(message.kind);
        if let Some(tail) = &self.tail {
            tail.sent(message);
        }
        if self.wire == Wire::Mcp {
            return self.send_word(message);
        }
        if self.deflates(message.body.len()) {
            return self.send_deflated(message);
        }
        let format = self.wire.format();
        let opcode = if self.is_binary() { OpCode::Binary } else { OpCode::Text };
        write_head(self.out, opcode, message.encoded_len(format));
        message.encode(format, self.out);
    }

    /// The same in the words of Model Context Protocol.
    fn send_word(&mut self, message: &Outgoing<'_>) {
        self.zlib.clear();
        words::encode(message, self.zlib);
        write_head(self.out, OpCode::Text, self.zlib.len());
        self.out.extend_from_slice(self.zlib);
    }

    fn send_deflated(&mut self, message: &Outgoing<'_>) {
        let mut deflated = Vec::new();
        if self.is_binary() {
            zlib::deflate(&message.body, &mut deflated);
            let message = Outgoing { body: deflated.into(), compressed: true, ..message.clone() };
            write_head(self.out, OpCode::Binary, message.encoded_len(Format::Binary));
            message.encode(Format::Binary, self.out);
        } else {
            self.zlib.clear();
            message.encode(Format::Json, self.zlib);
            zlib::deflate(self.zlib, &mut deflated);
            write_head(self.out, OpCode::Binary, deflated.len());
            self.out.extend_from_slice(&deflated);
        }
    }
}

/// What a session needs while it handles messages: its shard, the connection's outside for results, and
/// the way out.
pub(crate) struct Exchange<'a> {
    pub(crate) shard: &'a Rc<Shard>,
    pub(crate) peer: &'a Rc<Peer>,
    pub(crate) outbox: Outbox<'a>,
    /// The pod drains: calls to backends are no longer taken.
    pub(crate) draining: bool,
    /// The span of the message that is handled; none where nothing is traced, and once somebody else ends it.
    pub(super) span: Cell<Option<Open>>,
    /// The error that it was answered with.
    pub(super) failed: Cell<Option<ErrorCode>>,
    answered: u64,
    turns: Turns,
}

/// Which messages of a frame are handled now. A frame may hold many small requests with large answers; once
/// too much is unsent the others wait, and the frame is read again from where it was left.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    /// Messages that were handled when the frame was read before.
    before: usize,
    seen: usize,
    /// How many are handled by now, if not all could be.
    unfinished: Option<usize>,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(shard: &'a Rc<Shard>, peer: &'a Rc<Peer>, outbox: Outbox<'a>, draining: bool) -> Self {
        let (span, failed) = (Cell::new(None), Cell::new(None));
        Self { shard, peer, outbox, draining, span, failed, answered: 0, turns: Turns::default() }
    }

    /// The frame is read again: so many of its messages were handled before.
    pub(crate) const fn resume(&mut self, handled: usize) {
        self.turns.before = handled;
    }

    /// How many messages of the frame are handled, if some must wait until what is unsent has gone.
    pub(crate) const fn unfinished(&self) -> Option<usize> {
        self.turns.unfinished
    }

    /// Whether the next message of the frame is to be handled now. At least one is, each time, unless the conversation
    /// is held up.
    pub(crate) fn has_turn(&mut self, is_held_up: bool) -> bool {
        let turns = &mut self.turns;
        turns.seen += 1;
        if turns.seen <= turns.before || turns.unfinished.is_some() {
            return false;
        }
        if is_held_up || (turns.seen > turns.before + 1 && self.is_congested()) {
            self.turns.unfinished = Some(self.turns.seen - 1);
            return false;
        }
        true
    }

    fn unsent(&self) -> usize {
        self.outbox.out.len() - self.outbox.sent
    }

    /// The client does not read as fast as it is written to: what can be left out is.
    pub(crate) fn is_congested(&self) -> bool {
        self.unsent() > self.shard.terms().config.websocket.write_high_water
    }

    /// So much is unsent that a stream of results may not add to it.
    pub(crate) fn is_overfull(&self) -> bool {
        self.unsent() > self.shard.terms().config.websocket.max_unsent
    }

    /// How many answers the gateway gave by itself.
    pub(crate) const fn answered(&self) -> u64 {
        self.answered
    }

    /// From now on the client takes deflated payloads.
    pub(crate) fn enable_deflate(&mut self) {
        self.outbox.deflate = true;
    }

    pub(crate) fn send(&mut self, message: &Outgoing<'_>) {
        self.outbox.send(message);
    }

    /// Sends a ping whose number comes back once the client has read all before it.
    pub(super) fn ping(&mut self) -> u32 {
        self.peer.write_ping(self.outbox.out)
    }

    /// Answers a request with a result; a notification is not answered.
    pub(crate) fn answer(&mut self, request: &Message<'_>, result: &[u8]) {
        if let (Kind::Request, Some(id)) = (request.kind, request.id) {
            self.answered += 1;
            self.send(&Outgoing::response(id, method_code(request), result));
        }
    }

    /// Answers a request with an error; a notification is not answered.
    pub(crate) fn refuse(&mut self, request: &Message<'_>, code: ErrorCode, message: &str) {
        self.refuse_with(request, code, message, None);
    }

    /// The same with details, which are JSON text.
    pub(crate) fn refuse_with(
        &mut self,
        request: &Message<'_>,
        code: ErrorCode,
        message: &str,
        details: Option<&[u8]>,
    ) {
        self.count(code);
        if request.kind == Kind::Request {
            self.answered += 1;
            self.send(&Outgoing::error(request.id, method_code(request), code, message, details));
        }
    }

    /// Answers a request whose frame is gone.
    pub(super) fn reply(&mut self, asker: &Asker, answer: Result<&[u8], (ErrorCode, &str)>) {
        let id = asker.id.as_ref().map(OwnedId::borrow);
        self.answered += u64::from(id.is_some());
        match (id, answer) {
            (Some(id), Ok(result)) => self.send(&Outgoing::response(id, asker.method_code, result)),
            (Some(id), Err((code, message))) => self.fail(Some(id), asker.method_code, code, message),
            (None, Ok(_)) => {}
            (None, Err((code, _))) => self.count(code),
        }
    }

    /// Sends an error about a message, also one that could not be read.
    pub(crate) fn fail(&mut self, id: Option<Id<'_>>, method_code: u16, code: ErrorCode, message: &str) {
        self.fail_with(id, method_code, code, message, None);
    }

    /// The same with details, which are JSON text.
    pub(crate) fn fail_with(
        &mut self,
        id: Option<Id<'_>>,
        method_code: u16,
        code: ErrorCode,
        message: &str,
        details: Option<&[u8]>,
    ) {
        self.count(code);
        self.send(&Outgoing::error(id, method_code, code, message, details));
    }

    /// The message of this span was handled, and what came of it is answered.
    pub(super) fn end_span(&self, open: Open, method: &'static str) {
        trace::tell_message(&self.shard.pod.tracer, open, method, self.peer.id(), self.failed.take());
    }

    fn count(&self, code: ErrorCode) {
        self.shard.counters.error(code);
        self.failed.set(Some(code));
    }

    /// Space to inflate into; goes back with `return_inflated`.
    pub(crate) fn inflated(&mut self) -> &mut Vec<u8> {
        self.outbox.zlib
    }

    pub(crate) fn return_inflated(&mut self, space: Vec<u8>) {
        *self.outbox.zlib = space;
    }
}

/// The number of a request's method on the binary wire.
pub(crate) fn method_code(request: &Message<'_>) -> u16 {
    request.method.as_ref().map_or(0, protocol::MethodName::code)
}
