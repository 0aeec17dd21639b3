//! One client's TLS over its socket. While nothing is half-read or unsent it owns no buffer: records are taken apart and
//! sealed in space that all sessions of a thread share. It knows nothing of what they carry.

use super::failure::Failure;
use super::space::{self, Space, TAKEN};
use bytes::{Buf, Bytes};
use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// An encrypted stream.
pub(crate) struct Session {
    socket: TcpStream,
    tls: UnbufferedServerConnection,
    /// The beginning of what has not come whole.
    partial: Vec<u8>,
    /// What was decrypted and had no room where it was read.
    plain: Bytes,
    /// Records of which the socket has taken the first `sent` bytes.
    records: Vec<u8>,
    sent: usize,
    /// Whether the peer has ended its side, and whether ours was.
    ended: bool,
    shut: bool,
    /// Whether the peer broke the rules: then nothing is said or heard any more.
    broken: bool,
}

impl Session {
    pub(super) fn new(socket: TcpStream, config: Arc<ServerConfig>) -> Result<Self, Failure> {
        Ok(Self {
            socket,
            tls: UnbufferedServerConnection::new(config)?,
            partial: Vec::new(),
            plain: Bytes::new(),
            records: Vec::new(),
            sent: 0,
            ended: false,
            shut: false,
            broken: false,
        })
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// The socket's, and what the peer did wrong; then the alert that says so is sent, as far as the socket takes it.
    ///
    /// # Cancel safety
    /// It goes on where it was.
    pub(super) async fn shake_hands(&mut self) -> Result<(), Failure> {
        poll_fn(|cx| {
            loop {
                ready!(self.poll_send(cx))?;
                if !self.tls.is_handshaking() {
                    return Poll::Ready(Ok(()));
                }
                if self.ended {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
                }
                ready!(self.take_in(cx, &mut ReadBuf::new(&mut [])))?;
            }
        })
        .await
    }

    /// Sends what is left to be said, and gives the socket back. Cancel safe only in that the socket is lost.
    pub(super) async fn give_up(mut self) -> TcpStream {
        // Whoever does not take an alert will see that the socket ends.
        let _ = poll_fn(|cx| self.poll_send(cx)).await;
        self.socket
    }

    /// The certificates that the peer has shown, its own first.
    pub(super) fn peer_certificates(&self) -> &[rustls::pki_types::CertificateDer<'static>] {
        self.tls.peer_certificates().unwrap_or_default()
    }

    pub(crate) const fn unsent(&self) -> usize {
        self.records.len() - self.sent
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        if self.ended || !self.plain.is_empty() { Ok(()) } else { self.socket.readable().await }
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        while buffer.filled().len() == before && buffer.remaining() > 0 {
            if !self.plain.is_empty() {
                let len = self.plain.len().min(buffer.remaining());
                buffer.put_slice(&self.plain[..len]);
                self.plain.advance(len);
                if self.plain.is_empty() {
                    self.plain = Bytes::new();
                }
            } else if self.ended {
                // Whether the peer has said so under TLS makes no difference: frames and bodies tell their own ends.
                break;
            } else {
                ready!(self.take_in(cx, buffer))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes as much as becomes one write to the socket. What the socket does not take of it is kept.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let bytes = &bytes[..bytes.len().min(TAKEN)];
        space::borrow(|space| self.write_sealed(cx, bytes, &mut space.sealed))
    }

    fn write_sealed(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        sealed: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        let len = self.seal(bytes, sealed)?;
        let mut sent = 0;
        // What the peer has to be told first may be waiting.
        while self.records.is_empty() && sent < len {
            match Pin::new(&mut self.socket).poll_write(cx, &sealed[sent..len])? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(taken) => sent += taken,
                Poll::Pending => break,
            }
        }
        if sent < len {
            self.records.extend_from_slice(&sealed[sent..len]);
            // If it takes no more the socket wakes the task, which flushes.
            let _ = self.poll_send(cx)?;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.shut && !self.broken {
            self.shut = true;
            self.say_goodbye();
        }
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    /// Sends what is sealed.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.records.len() {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, &self.records[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                taken => self.sent += taken,
            }
        }
        (self.records, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    /// Reads the socket once and takes apart what came. What it carries goes to `buffer`, and to `plain` what has no room
    /// there.
    fn take_in(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<(), Failure>> {
        space::borrow(|space| self.take_apart(cx, buffer, &mut space.input))
    }

    fn take_apart(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        input: &mut [u8],
    ) -> Poll<Result<(), Failure>> {
        if self.broken {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::BrokenPipe).into()));
        }
        let held = self.partial.len();
        let most = Space::READ.min(buffer.remaining().max(Space::READ_LEAST));
        let mut fresh = ReadBuf::new(&mut input[held..held + most]);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut fresh))?;
        let end = held + fresh.filled().len();
        if end == held {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        input[..held].copy_from_slice(&self.partial);
        let mut rest = Vec::new();
        let input = &mut input[..end];
        let (taken, outcome) = self.drive(input, |plain| {
            let (fits, over) = plain.split_at(plain.len().min(buffer.remaining()));
            buffer.put_slice(fits);
            rest.extend_from_slice(over);
        });
        let left = &input[taken..];
        if left.is_empty() {
            self.partial = Vec::new();
        } else {
            self.partial.clear();
            self.partial.extend_from_slice(left);
        }
        if !rest.is_empty() {
            self.plain = rest.into();
        }
        // An answer to what came, an alert perhaps; the next write sends what is left of it.
        let _ = self.poll_send(cx)?;
        outcome?;
        if self.partial.len() > Space::PARTIAL {
            return Poll::Ready(Err(Failure::TooLong));
        }
        Poll::Ready(Ok(()))
    }

    /// Takes records apart until there is none left that is whole; says how many bytes they had.
    fn drive(&mut self, input: &mut [u8], mut plain: impl FnMut(&[u8])) -> (usize, Result<(), Failure>) {
        let mut at = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.tls.process_tls_records(&mut input[at..]);
            let mut goes_on = true;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        match record {
                            Ok(record) => {
                                discard += record.discard;
                                plain(record.payload);
                            }
                            Err(error) => {
                                self.broken = true;
                                return (at + discard, Err(error.into()));
                            }
                        }
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut message)) => {
                    append(&mut self.records, |space| message.encode(space));
                }
                // It is sent from `records` in its turn.
                Ok(ConnectionState::TransmitTlsData(message)) => message.done(),
                Ok(ConnectionState::PeerClosed) => self.ended = true,
                Ok(_) => goes_on = false,
                Err(error) => {
                    at += discard;
                    self.broken = true;
                    self.encode_alert(&mut input[at..]);
                    return (at, Err(error.into()));
                }
            }
            at += discard;
            if !goes_on {
                return (at, Ok(()));
            }
        }
    }

    /// After an error: what the peer is told of it.
    fn encode_alert(&mut self, input: &mut [u8]) {
        // Once there is nothing to be sent the input would be looked at again, which must not be.
        while self.tls.wants_write() {
            let status = self.tls.process_tls_records(input);
            let Ok(ConnectionState::EncodeTlsData(mut message)) = status.state else { return };
            append(&mut self.records, |space| message.encode(space));
        }
    }

    /// Seals bytes as records; says how long they are. What was to be said before is left in `records`.
    fn seal(&mut self, bytes: &[u8], sealed: &mut Vec<u8>) -> io::Result<usize> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // What is left of the last read has no whole record, so nothing comes of it but what we owe the peer.
        let mut partial = std::mem::take(&mut self.partial);
        let (taken, outcome) = self.drive(&mut partial, |_| {});
        partial.drain(..taken);
        let sealing = match self.tls.process_tls_records(&mut partial).state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => loop {
                match traffic.encrypt(bytes, sealed) {
                    Ok(len) => break Ok(len),
                    Err(EncryptError::InsufficientSize(size)) => sealed.resize(size.required_size, 0),
                    Err(EncryptError::EncryptExhausted) => break Err(io::ErrorKind::ConnectionAborted.into()),
                }
            },
            _ => Err(io::ErrorKind::NotConnected.into()),
        };
        self.partial = partial;
        outcome?;
        sealing
    }

    /// Tells the peer that nothing more comes. Before the end of the handshake there is nothing to tell.
    fn say_goodbye(&mut self) {
        let mut partial = std::mem::take(&mut self.partial);
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) =
            self.tls.process_tls_records(&mut partial).state
        {
            let mut alert = [0; 64];
            if let Ok(len) = traffic.queue_close_notify(&mut alert) {
                self.records.extend_from_slice(&alert[..len]);
            }
        }
        self.partial = partial;
    }
}

/// Appends a message, once it is known how long it is.
fn append(records: &mut Vec<u8>, mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) {
    if let Err(EncodeError::InsufficientSize(size)) = encode(&mut []) {
        let start = records.len();
        records.resize(start + size.required_size, 0);
        // It has the size that it asked for.
        let _ = encode(&mut records[start..]);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("socket", &self.socket).finish_non_exhaustive()
    }
}
