//! The limit: frames over epoll. All that is there is read at once, each frame is unmasked and sent back as it came, in one write.
//! Nothing is checked but that frames are whole and masked.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::bench::frames;

const LISTENER: Token = Token(usize::MAX);
/// Of RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

pub(super) fn serve(port: u16) -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    super::ready(listener.local_addr()?);
    let mut events = Events::with_capacity(1024);
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut inbox = vec![0; 256 << 10];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(connections.len()), interest)?;
                    connections.push(Some(Connection {
                        stream,
                        is_open: false,
                        unread: Vec::new(),
                        unsent: Vec::new(),
                    }));
                }
            } else if let Some(place) = connections.get_mut(event.token().0)
                && let Some(connection) = place
                && let Err(error) = connection.wake(event, &mut inbox)
            {
                eprintln!("connection: {error:#}");
                *place = None;
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// Upgraded.
    is_open: bool,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Connection {
    fn wake(&mut self, event: &Event, inbox: &mut [u8]) -> Result<()> {
        if event.is_writable() {
            self.send()?;
        }
        // A reader that takes nothing is not read from.
        while event.is_readable() && self.unsent.is_empty() {
            let kept = self.unread.len();
            inbox[..kept].copy_from_slice(&self.unread);
            let length = match self.stream.read(&mut inbox[kept..]) {
                Ok(0) => bail!("ended"),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let bytes = &mut inbox[..kept + length];
            let taken = if self.is_open { self.frames(bytes)? } else { self.upgrade(bytes)? };
            self.unread.clear();
            self.unread.extend_from_slice(&inbox[taken..kept + length]);
            self.send()?;
            if kept + length < inbox.len() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(length) => sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.unsent.drain(..sent);
        Ok(())
    }

    /// Answers an upgrade request that is there in whole; returns how many bytes it has.
    fn upgrade(&mut self, bytes: &[u8]) -> Result<usize> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(0) };
        let head = std::str::from_utf8(&bytes[..end])?;
        let header = |line: &'_ str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
        };
        let key = head.lines().find_map(header).context("no Sec-WebSocket-Key")?;
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
        let accept = BASE64_STANDARD.encode(hash);
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.unsent.extend_from_slice(answer.as_bytes());
        self.is_open = true;
        Ok(end + 4)
    }

    /// Sends back the frames that are there in whole; returns how many bytes they have.
    fn frames(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let mut at = 0;
        while let [first, second, rest @ ..] = &bytes[at..] {
            ensure!(second & 0x80 != 0, "a frame without a mask");
            let is_close = first & 0x0f == frames::CLOSE;
            let (extended, length) = match (second & 0x7f, rest) {
                (126, [a, b, ..]) => (2, usize::from(u16::from_be_bytes([*a, *b]))),
                (126, _) => break,
                (127, _) => bail!("a frame of more than 64 KiB"),
                (length, _) => (0, usize::from(length)),
            };
            let (head, payload) = (2 + extended, at + 2 + extended + 4);
            if bytes.len() < payload + length {
                break;
            }
            let mask = [0, 1, 2, 3].map(|index| bytes[at + head + index]);
            // The head without its mask, right before the payload.
            bytes.copy_within(at..at + head, at + 4);
            bytes[at + 5] &= 0x7f;
            unmask(&mut bytes[payload..payload + length], mask);
            self.unsent.extend_from_slice(&bytes[at + 4..payload + length]);
            at = payload + length;
            if is_close {
                self.send()?;
                bail!("closed by its client");
            }
        }
        Ok(at)
    }
}

/// Eight bytes at a time.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_unmasked_whatever_its_length() {
        for length in 0..40u8 {
            let plain: Vec<_> = (0..length).collect();
            let mut frame = Vec::new();
            frames::append_masked(&mut frame, frames::BINARY, &plain);
            let mask = [2, 3, 4, 5].map(|index| frame[index]);
            unmask(&mut frame[6..], mask);
            assert_eq!(frame[6..], plain);
        }
    }
}
