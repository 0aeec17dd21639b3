//! One connection: how far it is, and what is half read or unsent. It decides nothing.

use std::io::{self, ErrorKind, Write};

use crate::frame;
use crate::signer::Signer;
use crate::stream::Stream;

/// How far a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none: not yet, not any more, or not now.
    #[default]
    Closed,
    /// The answer to the upgrade is awaited.
    Upgrading,
    /// The answer to `initialize` is awaited.
    Opening,
    /// The answer to `event.subscribe` is awaited.
    Subscribing,
    /// Messages may be sent.
    Open,
}

/// What a session is taken up again with.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// A connection.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    /// Its number among those of all threads.
    pub(crate) number: usize,
    pub(crate) sends: bool,
    pub(crate) listens: bool,
    pub(crate) state: State,
    /// How often it was dialled.
    pub(crate) attempt: u32,
    pub(crate) dialled: u64,
    pub(crate) stream: Option<Stream>,
    /// Requests without an answer.
    pub(crate) under_way: usize,
    /// Whether it waits for something to send.
    pub(crate) is_ready: bool,
    /// Whether it is to be written to.
    pub(crate) is_dirty: bool,
    /// The beginning of what is still to come.
    pub(crate) unread: Vec<u8>,
    pub(crate) unsent: Vec<u8>,
    pub(crate) session: Option<Box<Session>>,
    /// What is sent is signed by it, where the gateway gave a key.
    pub(crate) signer: Option<Box<Signer>>,
    /// Of its session, where events are published.
    pub(crate) tenant: String,
}

impl Connection {
    /// Appends a message that is to be sent, signed if it has to be.
    pub(crate) fn push(&mut self, opcode: u8, message: &[u8]) {
        match &mut self.signer {
            None => frame::append(&mut self.unsent, opcode, message),
            Some(signer) => frame::append(&mut self.unsent, opcode, &signer.sign(message)),
        }
    }

    /// Writes what is unsent, as far as the socket takes it; how much that was.
    ///
    /// # Errors
    /// The connection is broken.
    #[inline]
    pub(crate) fn flush(&mut self) -> io::Result<u64> {
        let Some(stream) = &mut self.stream else { return Ok(0) };
        let mut sent = 0;
        while sent < self.unsent.len() {
            match stream.write(&self.unsent[sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::NotConnected => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent.drain(..sent);
        match stream.flush() {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                Err(error)
            }
            _ => Ok(sent as u64),
        }
    }
}
