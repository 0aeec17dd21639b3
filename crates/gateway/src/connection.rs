//! One client connection, from the upgrade to the end: a state machine that owns a socket and a few words
//! of state. While nothing is half-read and nothing unsent it owns no buffer: it reads and writes through
//! the shard's.

mod clocks;
mod leaving;
mod tasks;

use crate::audit::Event;
use crate::pod::Place;
use crate::session::{self, Exchange, Outbox, Session};
use crate::shard::{Peer, Scratch, Shard, Signals};
use crate::stream::Stream;
use crate::wheel::Tick;
use crate::wire::Wire;
use crate::ws::{Decoder, Incoming, Spare, write_close, write_head};
use fastwebsockets::OpCode;
use protocol::CloseCode;
use std::io;
use std::mem;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads, or frames taken up again, in a row before another connection has its turn.
const TURNS: usize = 4;
/// Up to this much unsent output is moved into a buffer that it fills; more may leave one half empty.
const SNUG: usize = 64 * 1024;

/// Whether messages are still exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The close frame is written; what still comes is thrown away until the peer ends or time is up.
    Closing {
        since: Tick,
        shut: bool,
    },
}

/// A frame that is to be read again from its message `handled`.
#[derive(Debug)]
struct Unfinished {
    payload: Box<[u8]>,
    is_text: bool,
    handled: usize,
}

/// How far the events of a session were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pumped {
    /// All that there are.
    All,
    /// Some, and they are sent.
    Some,
    /// Some, and the client does not take them.
    Stuck,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The peer closed its side, or the socket broke.
    Gone,
    /// A clock ran out.
    TimedOut(&'static str),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// The task of a connection.
pub(crate) struct Connection {
    stream: Stream,
    shard: Rc<Shard>,
    peer: Rc<Peer>,
    _place: Place,
    session: Session,
    decoder: Decoder,
    wire: Wire,
    phase: Phase,
    /// The tick at which the connection was told to go.
    draining: Option<Tick>,
    /// A frame of which some messages were not handled, since too much was unsent.
    unfinished: Option<Box<Unfinished>>,
    /// Bytes behind it that were read but not handled.
    unread: Box<[u8]>,
    /// Frames of which the first `written` bytes are sent. Empty while the shard's buffer does.
    output: Vec<u8>,
    written: usize,
    /// Ticks of the last read, of the last progress of unsent output, and of the ping that is unanswered.
    read_at: Tick,
    write_at: Tick,
    pinged_at: Option<Tick>,
    pings: u32,
    pings_since: Tick,
    closed: Option<CloseCode>,
    /// The tick at which it was upgraded.
    since: Tick,
    bytes_received: u64,
    bytes_sent: u64,
}

impl Connection {
    /// A connection that was just upgraded. `early` are bytes that came behind the request.
    pub(crate) fn new(
        stream: Stream,
        early: &[u8],
        shard: &Rc<Shard>,
        place: Place,
        session: Session,
        wire: Wire,
        address: IpAddr,
    ) -> Self {
        let now = shard.now();
        let peer = {
            let mut peers = shard.peers.borrow_mut();
            let entry = peers.vacant_entry();
            let peer = Peer::new(place.id, entry.key());
            let peer = Rc::new(peer.at(address));
            entry.insert(Rc::clone(&peer));
            peer
        };
        shard.counters.connections_opened.increment();
        let connection = Self {
            stream,
            shard: Rc::clone(shard),
            peer,
            _place: place,
            session,
            decoder: Decoder::default(),
            wire,
            phase: Phase::Open,
            draining: None,
            unfinished: None,
            unread: early.into(),
            output: Vec::new(),
            written: 0,
            read_at: now,
            write_at: now,
            pinged_at: None,
            pings: 0,
            pings_since: now,
            closed: None,
            since: now,
            bytes_received: 0,
            bytes_sent: 0,
        };
        connection.arm();
        // The holder was recognised before the shard knew of the connection.
        connection.peer.signal(Signals::HOLDER);
        connection
    }

    /// One turn: results, signals, reads, and one write of all that came of them.
    fn turn(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Rc<Shard>,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<(), End> {
        let now = shard.now();
        let started = Instant::now();
        shard.turn_began.set(started);
        let mut answered = 0;
        self.take_deliveries(shard, scratch, out, started);
        let signals = self.peer.take_signals();
        if signals.has(Signals::TAKEN) && self.phase == Phase::Open {
            let close = session::taken_over();
            self.close(out, close.code, &close.reason);
        }
        if signals.has(Signals::HOLDER)
            && self.phase == Phase::Open
            && let Some(reason) = self.session.disowned(shard)
        {
            self.close(out, CloseCode::Unauthorized, reason);
        }
        if signals.has(Signals::VERIFY) {
            self.session.verify(&self.peer, shard);
        }
        if signals.has(Signals::TASK) {
            self.do_tasks(shard, out);
        }
        if signals.has(Signals::DRAIN) && self.draining.is_none() {
            self.draining = Some(now);
            self.migrate(shard, &mut scratch.zlib, out);
        }
        if signals.has(Signals::CLOCK) {
            self.check_clocks(now, out)?;
        }
        for turn in 0.. {
            if self.unsent(out) > shard.terms().config.websocket.write_high_water {
                if self.flush(cx, shard, out)?.is_pending() {
                    return Ok(());
                }
                continue;
            }
            if self.phase != Phase::Open {
                break;
            }
            match self.pump(cx, shard, &mut scratch.zlib, out)? {
                Pumped::All => {}
                Pumped::Some if turn < TURNS => continue,
                Pumped::Some => {
                    // A long way to catch up is gone in turns.
                    cx.waker().wake_by_ref();
                    break;
                }
                // Requests are read all the same: they wait for no event.
                Pumped::Stuck => {}
            }
            if self.session.is_waiting() {
                if self.poll_pending(cx, shard, &mut scratch.zlib, out).is_pending() {
                    break;
                }
                continue;
            }
            if self.is_leaving() {
                // What still comes is not read: the client sends it again where its session goes on.
                break;
            }
            if turn >= TURNS {
                cx.waker().wake_by_ref();
                break;
            }
            if let Some(unfinished) = self.unfinished.take() {
                let data = if unfinished.is_text {
                    // It was text when it came.
                    Incoming::Text(str::from_utf8(&unfinished.payload).unwrap_or_default())
                } else {
                    Incoming::Binary(&unfinished.payload)
                };
                answered += self.converse(data, unfinished.handled, shard, &mut scratch.zlib, out);
                continue;
            }
            if !self.unread.is_empty() {
                let mut input = mem::take(&mut self.unread);
                answered += self.handle(&mut input, shard, &mut scratch.spare, &mut scratch.zlib, out);
                continue;
            }
            let Poll::Ready(read) = self.read(cx, &mut scratch.input) else { break };
            let read = read?;
            if read == 0 {
                // What it asked before it went may still reach it.
                let _ = self.flush(cx, shard, out)?;
                return Err(End::Gone);
            }
            shard.counters.bytes_received.add(read as u64);
            self.bytes_received += read as u64;
            (self.read_at, self.pinged_at) = (now, None);
            let input = &mut scratch.input[..read];
            answered += self.handle(input, shard, &mut scratch.spare, &mut scratch.zlib, out);
        }
        if self.phase == Phase::Open && self.may_go(now) {
            self.close(out, CloseCode::Restart, &self.reconnect_delay_ms().to_string());
        }
        let flushed = self.flush(cx, shard, out)?.is_ready();
        if answered > 0 {
            shard.counters.latency.observe(started.elapsed(), answered);
        }
        if flushed && let Phase::Closing { .. } = self.phase {
            self.linger(cx, &mut scratch.input)?;
        }
        self.decoder.park(&mut scratch.spare);
        Ok(())
    }

    fn read(&mut self, cx: &mut Context<'_>, input: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(input);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Takes every message of `input`; returns how many were answered. What is left over when too much is
    /// unsent waits in `unread`.
    fn handle(
        &mut self,
        input: &mut [u8],
        shard: &Rc<Shard>,
        spare: &mut Spare,
        zlib: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> u64 {
        let (mut at, mut answered, now) = (0, 0, shard.now());
        let frames = shard.terms().frames;
        // Its messages borrow it while the session has them.
        let mut decoder = mem::take(&mut self.decoder);
        while self.phase == Phase::Open {
            if self.unfinished.is_some() || self.unsent(out) > shard.terms().config.websocket.write_high_water
            {
                self.unread = input[at..].into();
                break;
            }
            let close = match decoder.next(input, &mut at, &frames, spare, now) {
                Err(violation) => Some((violation.close_code(), violation.to_string())),
                Ok(None) => break,
                Ok(Some(Incoming::Close(code))) => {
                    // RFC 6455 section 5.5.1: the code comes back.
                    write_close(out, code.unwrap_or(CloseCode::Normal.as_u16()), "");
                    if code == Some(CloseCode::Normal.as_u16()) {
                        self.session.dismissed();
                    }
                    self.begin_close(CloseCode::Normal);
                    None
                }
                Ok(Some(Incoming::Ping(payload))) => {
                    write_head(out, OpCode::Pong, payload.len());
                    out.extend_from_slice(payload);
                    self.count_ping(now, shard)
                }
                Ok(Some(Incoming::Pong(payload))) => {
                    if let Ok(number) = payload.try_into() {
                        let outbox = self.outbox(shard, zlib, out);
                        let exchange = Exchange::new(shard, &self.peer, outbox, self.draining.is_some());
                        self.session.ponged(u32::from_be_bytes(number), &exchange);
                    }
                    None
                }
                Ok(Some(Incoming::Text(text))) if self.wire == Wire::Echo => {
                    write_head(out, OpCode::Text, text.len());
                    out.extend_from_slice(text.as_bytes());
                    None
                }
                Ok(Some(Incoming::Binary(bytes))) if self.wire == Wire::Echo => {
                    write_head(out, OpCode::Binary, bytes.len());
                    out.extend_from_slice(bytes);
                    None
                }
                Ok(Some(data)) => {
                    answered += self.converse(data, 0, shard, zlib, out);
                    None
                }
            };
            if let Some((code, reason)) = close {
                self.close(out, code, &reason);
            }
        }
        if self.phase == Phase::Open {
            self.decoder = decoder;
        }
        answered
    }

    /// Takes the messages of a frame but the first `handled`; returns how many were answered.
    fn converse(
        &mut self,
        data: Incoming<'_>,
        handled: usize,
        shard: &Rc<Shard>,
        zlib: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> u64 {
        if let Incoming::Text(text) = data {
            self.wire = self.wire.decided(text);
        }
        let outbox = self.outbox(shard, zlib, out);
        let mut exchange = Exchange::new(shard, &self.peer, outbox, self.draining.is_some());
        exchange.resume(handled);
        let (taken, payload, is_text) = match data {
            Incoming::Text(text) => (self.session.text(text, &mut exchange), text.as_bytes(), true),
            Incoming::Binary(bytes) => (self.session.binary(bytes, &mut exchange), bytes, false),
            Incoming::Ping(_) | Incoming::Pong(_) | Incoming::Close(_) => return 0,
        };
        let answered = exchange.answered();
        match (taken, exchange.unfinished()) {
            (Err(close), _) => self.close(out, close.code, &close.reason),
            (Ok(()), Some(handled)) => {
                self.unfinished = Some(Box::new(Unfinished { payload: payload.into(), is_text, handled }));
            }
            (Ok(()), None) => {}
        }
        answered
    }

    /// The way out of the session into this buffer. It borrows nothing of the connection.
    fn outbox<'a>(&self, shard: &'a Shard, zlib: &'a mut Vec<u8>, out: &'a mut Vec<u8>) -> Outbox<'a> {
        let (wire, deflate, sent) = (self.wire, self.session.deflates(), self.written);
        Outbox { wire, deflate, out, sent, zlib, shard, tail: self.session.tail() }
    }

    /// Encodes what was left for the session: what backends answered, and what the store said.
    fn take_deliveries(&mut self, shard: &Rc<Shard>, scratch: &mut Scratch, out: &mut Vec<u8>, now: Instant) {
        let Some(mut inbox) = self.peer.take_inbox() else { return };
        let mut close = None;
        if self.phase == Phase::Open {
            let outbox = self.outbox(shard, &mut scratch.zlib, out);
            let mut exchange = Exchange::new(shard, &self.peer, outbox, self.draining.is_some());
            for delivery in inbox.drain(..) {
                if let Err(reason) = self.session.deliver(delivery, &mut exchange, now) {
                    close = Some(reason);
                    break;
                }
            }
        }
        inbox.clear();
        if let Some(close) = close {
            self.close(out, close.code, &close.reason);
        }
        self.peer.return_inbox((!self.session.is_idle()).then_some(inbox));
    }

    /// Writes events, and sends them if so much is unsent that they wait for it.
    fn pump(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Rc<Shard>,
        zlib: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Pumped, End> {
        let mut outbox = self.outbox(shard, zlib, out);
        let pumped = self.session.pump(cx, &mut outbox);
        let full = self.unsent(out) > shard.terms().config.events.max_unsent;
        if pumped.is_ready() || !full {
            return Ok(Pumped::All);
        }
        Ok(if self.flush(cx, shard, out)?.is_ready() { Pumped::Some } else { Pumped::Stuck })
    }

    /// Goes on with the conversation if the store has answered.
    fn poll_pending(
        &mut self,
        cx: &mut Context<'_>,
        shard: &Rc<Shard>,
        zlib: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Poll<()> {
        let outbox = self.outbox(shard, zlib, out);
        let mut exchange = Exchange::new(shard, &self.peer, outbox, self.draining.is_some());
        if let Err(close) = ready!(self.session.poll_pending(cx, &mut exchange)) {
            self.close(out, close.code, &close.reason);
        }
        Poll::Ready(())
    }

    /// Writes the close frame and throws away what still comes.
    fn close(&mut self, out: &mut Vec<u8>, code: CloseCode, reason: &str) {
        if code == CloseCode::TakenOver {
            self.shard.pod.audit.tell(|| self.session.decision(Event::Takeover, &self.peer));
        }
        write_close(out, code.as_u16(), reason);
        self.session.log_end(&self.peer, Some(code), reason, "closing");
        self.begin_close(code);
    }

    fn begin_close(&mut self, code: CloseCode) {
        self.closed = Some(code);
        self.phase = Phase::Closing { since: self.shard.now(), shut: false };
        self.session.end(&self.peer, &self.shard);
        (self.unfinished, self.unread, self.decoder) = (None, Box::default(), Decoder::default());
    }

    /// After the close frame: our side is shut, and the peer's bytes are read until it ends too, since a
    /// reset would take the close frame away from it.
    fn linger(&mut self, cx: &mut Context<'_>, input: &mut [u8]) -> Result<(), End> {
        if let Phase::Closing { since, shut: false } = self.phase {
            if Pin::new(&mut self.stream).poll_shutdown(cx)?.is_pending() {
                return Ok(());
            }
            self.phase = Phase::Closing { since, shut: true };
        }
        for _ in 0..TURNS {
            let Poll::Ready(read) = self.read(cx, input) else { return Ok(()) };
            if read? == 0 {
                return Err(End::Gone);
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    const fn unsent(&self, out: &[u8]) -> usize {
        out.len() - self.written + self.stream.unsent()
    }

    /// Writes until all is sent (`Ready`) or the socket takes no more.
    fn flush(&mut self, cx: &mut Context<'_>, shard: &Shard, out: &mut Vec<u8>) -> Result<Poll<()>, End> {
        loop {
            if self.written == out.len() {
                out.clear();
                self.written = 0;
            }
            if self.settle(cx, shard)?.is_pending() {
                return Ok(Poll::Pending);
            }
            if out.is_empty() {
                return Ok(Poll::Ready(()));
            }
            match Pin::new(&mut self.stream).poll_write(cx, &out[self.written..])? {
                Poll::Ready(0) => return Err(End::Gone),
                Poll::Ready(sent) => {
                    self.written += sent;
                    self.write_at = shard.now();
                    shard.counters.bytes_sent.add(sent as u64);
                    self.bytes_sent += sent as u64;
                }
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
    }

    /// Sends what the stream has taken and not sent.
    fn settle(&mut self, cx: &mut Context<'_>, shard: &Shard) -> Result<Poll<()>, End> {
        let before = self.stream.unsent();
        if before == 0 {
            return Ok(Poll::Ready(()));
        }
        let flushed = Pin::new(&mut self.stream).poll_flush(cx)?;
        if self.stream.unsent() < before {
            self.write_at = shard.now();
        }
        Ok(flushed)
    }

    /// Keeps what is unsent, in little more space than it takes, and gives the buffer back to the shard.
    fn stow(&mut self, mut out: Vec<u8>, scratch: &mut Scratch) {
        if self.written < out.len() {
            let unsent = out.len() - self.written;
            let spare = if unsent <= SNUG { 0 } else { unsent };
            if out.capacity() > unsent + spare + Scratch::KEEP / 256 {
                self.output = out[self.written..].to_vec();
                self.written = 0;
                out.clear();
            } else {
                self.output = out;
                return;
            }
        }
        if out.capacity() <= Scratch::KEEP && scratch.output.capacity() < out.capacity() {
            out.clear();
            scratch.output = out;
        }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let shard = Rc::clone(&this.shard);
        let mut scratch = shard.scratch.borrow_mut();
        this.peer.watch(cx.waker());
        let mut out = mem::take(if this.output.is_empty() { &mut scratch.output } else { &mut this.output });
        if this.unsent(&out) == 0 {
            this.write_at = shard.now();
        }
        let turned = this.turn(cx, &shard, &mut scratch, &mut out);
        this.peer.is_slow.set(this.unsent(&out) > shard.terms().config.events.max_unsent);
        this.stow(out, &mut scratch);
        match turned {
            Ok(()) => {
                this.arm();
                Poll::Pending
            }
            Err(end) => {
                if let End::TimedOut(reason) = end {
                    this.session.log_end(&this.peer, None, reason, "dropped");
                }
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.session.end(&self.peer, &self.shard);
        self.session.end_span(&self.peer, self.closed, &self.shard);
        self.shard.peers.borrow_mut().try_remove(self.peer.key());
        self.shard.forget_tasks(self.peer.key());
        self.shard.counters.connections_closed.increment();
        self.shard.counters.closed(self.closed);
    }
}
