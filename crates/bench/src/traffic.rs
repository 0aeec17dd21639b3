//! What goes over the sockets of one thread: reads, frames, answers, and one write for all that a connection has to send.

use std::io::{self, ErrorKind, Read};

use protocol::Format;

use crate::answer::Answer;
use crate::connection::State;
use crate::driver::Driver;
use crate::frame::{self, Head};
use crate::part;
use crate::pending::Request;
use crate::tally::record;

impl Driver<'_> {
    /// Sends what is due, as far as connections can take it.
    #[inline]
    pub(crate) fn send(&mut self, now: u64) {
        if let Some(mut pace) = self.pace {
            while let Some(&index) = self.ready.front()
                && let Some(due) = pace.take(now)
            {
                self.ready.pop_front();
                self.connections[index as usize].is_ready = false;
                if self.has_room(index) {
                    self.tally.late = self.tally.late.max(now - due);
                    self.send_one(index, due);
                } else {
                    // It was lost while it waited.
                    pace.give_back();
                }
                self.ready(index);
            }
            self.pace = Some(pace);
        } else if self.is_closed_loop(now) {
            while let Some(index) = self.ready.pop_front() {
                self.connections[index as usize].is_ready = false;
                while self.has_room(index) {
                    self.send_one(index, now);
                }
            }
        }
    }

    #[inline]
    fn send_one(&mut self, index: u32, due: u64) {
        let kind = self.order[self.turn];
        self.turn = (self.turn + 1) % self.order.len();
        let id = self.pending.enter(Request { connection: index, part: kind, due });
        let connection = &mut self.connections[index as usize];
        connection.under_way += 1;
        let message = &self.parts[usize::from(kind)];
        if connection.signer.is_none() {
            message.append(&mut connection.unsent, id, due);
        } else {
            connection.push(part::opcode(self.plan.format), &message.message(id, due));
        }
        self.tally.parts[usize::from(kind)].sent += 1;
        self.mark(index);
    }

    #[inline]
    fn has_room(&self, index: u32) -> bool {
        let connection = &self.connections[index as usize];
        connection.state == State::Open && connection.under_way < self.plan.depth
    }

    /// The connection can take a message, if it has room for one.
    #[inline]
    pub(crate) fn ready(&mut self, index: u32) {
        let has_room = self.has_room(index);
        let connection = &mut self.connections[index as usize];
        if has_room && connection.sends && !connection.is_ready {
            connection.is_ready = true;
            self.ready.push_back(index);
        }
    }

    /// How many messages are due and were not sent.
    pub(crate) fn overdue(&self, now: u64) -> u64 {
        self.pace.as_ref().map_or(0, |pace| pace.overdue(now))
    }

    /// The connection is to be written to.
    #[inline]
    pub(crate) fn mark(&mut self, index: u32) {
        let connection = &mut self.connections[index as usize];
        if !connection.is_dirty {
            connection.is_dirty = true;
            self.dirty.push(index);
        }
    }

    /// Writes to all connections that are to be written to.
    pub(crate) fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            let connection = &mut self.connections[index as usize];
            connection.is_dirty = false;
            match connection.flush() {
                Ok(sent) => self.tally.bytes_sent += sent,
                // A reason that the server gives before it ends the connection is still there to be read.
                Err(error) if is_broken(&error) => {}
                Err(error) => self.lost(index, "connection lost", &error.to_string()),
            }
        }
        self.dirty = dirty;
    }

    /// Takes all that has come on a connection.
    pub(crate) fn read(&mut self, index: u32, inbox: &mut Vec<u8>) {
        loop {
            let connection = &mut self.connections[index as usize];
            let Some(stream) = &mut connection.stream else { return };
            let kept = connection.unread.len();
            if kept == inbox.len() && !Self::widen(inbox) {
                return self.lost(index, "a message too long", "it has more than 64 MiB");
            }
            let is_plain = stream.is_plain();
            let length = match stream.read(&mut inbox[kept..]) {
                Ok(0) => return self.ended(index, "the server ended the connection"),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::NotConnected => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return self.ended(index, &error.to_string()),
            };
            let now = self.clock.now();
            self.tally.bytes_received += length as u64;
            inbox[..kept].copy_from_slice(&connection.unread);
            connection.unread.clear();
            let filled = kept + length;
            let taken = self.take(index, &inbox[..filled], now);
            let connection = &mut self.connections[index as usize];
            connection.unread.extend_from_slice(&inbox[taken..filled]);
            if connection.unread.is_empty() && connection.unread.capacity() > 4096 {
                connection.unread = Vec::new();
            }
            self.send(now);
            if is_plain && filled < inbox.len() {
                break;
            }
        }
        // Under TLS a read may have made it possible to write.
        if !self.connections[index as usize].unsent.is_empty() {
            self.mark(index);
        }
        self.flush();
    }

    /// Takes what is there in whole; how many bytes that is.
    fn take(&mut self, index: u32, bytes: &[u8], now: u64) -> usize {
        let mut at = 0;
        let mut sent = 0;
        if self.connections[index as usize].state == State::Upgrading {
            at = self.upgraded(index, bytes, now, false);
            if at == 0 {
                return 0;
            }
        }
        loop {
            let head = match Head::parse(&bytes[at..]) {
                Ok(Some(head)) => head,
                Ok(None) => break,
                Err(told) => {
                    self.lost(index, "no proper frame", told);
                    break;
                }
            };
            let Some(payload) = bytes.get(at + head.head..at.saturating_add(head.total())) else { break };
            at += head.total();
            match head.opcode {
                _ if !head.fin => self.lost(index, "no proper frame", "a message in fragments"),
                frame::TEXT | frame::BINARY => sent += u64::from(self.message(index, payload, now)),
                frame::PING => {
                    self.tally.pings += 1;
                    frame::append(&mut self.connections[index as usize].unsent, frame::PONG, payload);
                    self.mark(index);
                }
                frame::CLOSE => self.closed(index, payload),
                _ => {}
            }
        }
        if sent > 0 {
            self.tally.delivered += sent;
            self.control.delivered(sent);
        }
        at
    }

    /// Takes one message. Returns whether it was an event.
    #[inline]
    fn message(&mut self, index: u32, payload: &[u8], now: u64) -> bool {
        let format = self.plan.format;
        if self.connections[index as usize].state != State::Open {
            if self.connections[index as usize].state != State::Closed {
                self.answered_on_the_way(index, payload, now);
            }
            return false;
        }
        if let Some(id) = part::id(format, payload)
            && let Some(request) = self.pending.take(id)
        {
            self.answered(index, request, payload, now);
            return false;
        }
        if let Some(due) = self.events.as_ref().and_then(|events| events.time(payload)) {
            if self.window.0 <= due && due < self.window.1 {
                record(&mut self.tally.delivery, now.saturating_sub(due));
            }
            return true;
        }
        self.unexpected(format, payload);
        false
    }

    #[inline]
    fn answered(&mut self, index: u32, request: Request, payload: &[u8], now: u64) {
        let part = usize::from(request.part);
        let tally = &mut self.tally.parts[part];
        if self.parts[part].is_answer(payload) {
            tally.answered += 1;
            if self.window.0 <= now && now < self.window.1 {
                tally.measured += 1;
            }
            if self.window.0 <= request.due && request.due < self.window.1 {
                record(&mut tally.latency, now.saturating_sub(request.due));
            }
            if self.parts[part].publishes {
                self.published(index);
            }
        } else {
            tally.failed += 1;
            let (kind, told) = match Answer::read(self.plan.format, payload).map(|answer| answer.outcome) {
                Ok(Err(error)) => error,
                Ok(Ok(result)) => ("a wrong answer".to_owned(), result.to_string()),
                Err(told) => ("a wrong answer".to_owned(), told),
            };
            self.tally.error(kind, told);
        }
        self.connections[index as usize].under_way -= 1;
        self.ready(index);
    }

    /// An event stands in the log: all listeners of its tenant are to get it.
    fn published(&mut self, index: u32) {
        let tenant = &self.connections[index as usize].tenant;
        let listeners = self.control.listeners.get().and_then(|listeners| listeners.get(tenant));
        let count = listeners.copied().unwrap_or(0);
        self.tally.expected += count;
        self.control.expect(count);
    }

    /// What is neither an answer nor an event of this run.
    #[cold]
    fn unexpected(&mut self, format: Format, payload: &[u8]) {
        match Answer::read(format, payload) {
            Ok(answer) if answer.method == "event.gap" => {
                self.tally.error("events are missing", "the gateway told of a gap");
            }
            Ok(answer) if answer.method == "session.migrate" => {
                self.tally.error("the gateway drains", "it told to go on elsewhere");
            }
            // Progress, other events, a session that changed.
            Ok(answer) if answer.is_notification() => {}
            Ok(answer) => {
                let (kind, told) =
                    answer.outcome.map_or_else(|error| error, |result| (String::new(), result.to_string()));
                self.tally.error(format!("an answer to nothing {kind}").trim_end(), told);
            }
            Err(told) => self.tally.error("no message", told),
        }
    }

    fn closed(&mut self, index: u32, payload: &[u8]) {
        let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
        let told = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
        self.lost(index, &format!("closed with {code}"), &told);
    }

    /// The socket says that the connection is over.
    fn ended(&mut self, index: u32, told: &str) {
        let connection = &mut self.connections[index as usize];
        let unread = std::mem::take(&mut connection.unread);
        if connection.state == State::Upgrading && !unread.is_empty() {
            // A refusal may end with the connection.
            self.upgraded(index, &unread, 0, true);
        }
        self.lost(index, "connection lost", told);
    }

    /// The connection is gone.
    fn lost(&mut self, index: u32, kind: &str, told: &str) {
        let is_closing = self.is_closing();
        let connection = &mut self.connections[index as usize];
        if connection.stream.take().is_none() {
            return;
        }
        if is_closing {
            self.open -= 1;
            return;
        }
        if connection.state != State::Open {
            let kind = if connection.state == State::Upgrading { "could not connect" } else { kind };
            return self.fail(index, kind, told);
        }
        connection.state = State::Closed;
        connection.under_way = 0;
        connection.unsent = Vec::new();
        self.open -= 1;
        self.tally.lost += 1;
        self.tally.error(kind, told);
        let parts = &mut self.tally.parts;
        self.pending.forget(index, |request| parts[usize::from(request.part)].unanswered += 1);
    }
}

fn is_broken(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}
