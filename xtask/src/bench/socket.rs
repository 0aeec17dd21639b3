//! A client's connection, blocking: TCP from a chosen source address, TLS, the upgrade, one frame after the other.
//! For the opening phase of every bench; the measured phases have loops of their own.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use socket2::{Domain, Protocol, Socket, Type};

use super::frames::{self, Head};
use super::secure::Security;
use super::stream::Stream;
use super::wire::{Method, Wire};

/// How long an answer may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The sample of RFC 6455 section 1.3, with the answer that belongs to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Where a WebSocket server is and what it wants to see.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    path: String,
    /// Subprotocol and bearer token; a bare server has neither.
    bearer: Option<(&'static str, String)>,
    /// The format of the session that is opened, if one is.
    session: Option<Wire>,
    /// TLS, where the server speaks it.
    security: Option<Security>,
}

impl Endpoint {
    /// A bare WebSocket server.
    pub(crate) fn bare(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("ws://").or_else(|| url.strip_prefix("wss://"));
        let rest = rest.with_context(|| format!("not a URL of a WebSocket: {url}"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = authority.parse().with_context(|| format!("not an address and a port: {authority}"))?;
        Ok(Self { address, path: format!("/{path}"), bearer: None, session: None, security: None })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The gateway, in this subprotocol, with this token.
    pub(crate) fn gateway(url: &str, wire: Wire, token: &str) -> Result<Self> {
        Ok(Self { session: Some(wire), ..Self::spoken(url, wire.subprotocol(), token)? })
    }

    /// The gateway, in a subprotocol that opens no session.
    pub(crate) fn spoken(url: &str, subprotocol: &'static str, token: &str) -> Result<Self> {
        Ok(Self { bearer: Some((subprotocol, token.to_owned())), ..Self::bare(url)? })
    }

    /// The same under TLS.
    pub(crate) fn secured(self, security: &Security) -> Self {
        Self { security: Some(security.clone()), ..self }
    }

    fn upgrade_request(&self) -> String {
        let Self { address, path, bearer, .. } = self;
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        );
        if let Some((subprotocol, token)) = bearer {
            request += &format!("Sec-WebSocket-Protocol: {subprotocol}\r\nAuthorization: Bearer {token}\r\n");
        }
        request + "\r\n"
    }
}

/// An open connection. Reads keep what came too early.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    inbox: Vec<u8>,
}

impl Connection {
    /// Connects and sends the upgrade request, without waiting for its answer.
    pub(crate) fn knock(endpoint: &Endpoint, source: Option<IpAddr>) -> Result<Self> {
        let socket = Socket::new(Domain::for_address(endpoint.address), Type::STREAM, Some(Protocol::TCP))
            .context("could not make a socket (the limit of open files is `ulimit -n`)")?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into()).with_context(|| format!("bind {source}"))?;
        }
        socket.connect_timeout(&endpoint.address.into(), PATIENCE).context("could not connect")?;
        socket.set_tcp_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut stream = Stream::new(socket.into(), endpoint.security.as_ref())?;
        stream.write_all(endpoint.upgrade_request().as_bytes())?;
        Ok(Self { stream, inbox: Vec::new() })
    }

    /// Waits for the 101.
    ///
    /// # Errors
    /// Any other status, a wrong `Sec-WebSocket-Accept`, or another subprotocol than the one asked for.
    pub(crate) fn enter(&mut self, endpoint: &Endpoint) -> Result<()> {
        let end = loop {
            if let Some(end) = find(&self.inbox, b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().context("no answer to the upgrade")?;
        };
        let response = String::from_utf8_lossy(&self.inbox[..end]).into_owned();
        ensure!(response.starts_with("HTTP/1.1 101 "), "the upgrade was refused:\n{}", response.trim_end());
        ensure!(header(&response, "sec-websocket-accept") == Some(ACCEPT), "a wrong accept key:\n{response}");
        let subprotocol = endpoint.bearer.as_ref().map(|(subprotocol, _)| *subprotocol);
        ensure!(
            header(&response, "sec-websocket-protocol") == subprotocol,
            "asked for the subprotocol {subprotocol:?}:\n{response}"
        );
        self.inbox.drain(..end);
        Ok(())
    }

    /// Opens a connection and, at the gateway, its session.
    pub(crate) fn open(endpoint: &Endpoint) -> Result<Self> {
        let mut connection = Self::knock(endpoint, None)?;
        connection.enter(endpoint)?;
        connection.ask_for_session(endpoint)?;
        connection.await_session(endpoint)?;
        Ok(connection)
    }

    /// Asks the gateway for a session, without waiting for its answer. A bare server has none.
    pub(crate) fn ask_for_session(&mut self, endpoint: &Endpoint) -> Result<()> {
        match endpoint.session {
            Some(wire) => self.send_request(wire, 0, Method::Initialize, r#"{"client":"bench"}"#),
            None => Ok(()),
        }
    }

    /// Waits for the session.
    ///
    /// # Errors
    /// If there is none, or it can't be resumed: then less was kept than is to be measured.
    pub(crate) fn await_session(&mut self, endpoint: &Endpoint) -> Result<()> {
        let Some(wire) = endpoint.session else { return Ok(()) };
        let result = self.receive_answer(wire, 0).context("initialize")?;
        ensure!(result["resumable"] == true, "the session can't be resumed: {result}");
        Ok(())
    }

    pub(crate) fn send_request(&mut self, wire: Wire, id: u64, method: Method, params: &str) -> Result<()> {
        self.send_frame(wire.opcode(), &wire.request(id, method, params))
    }

    pub(crate) fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        let mut frame = Vec::new();
        frames::append_masked(&mut frame, opcode, payload);
        self.stream.write_all(&frame)?;
        Ok(())
    }

    /// The result of the request `id`, which must be answered next.
    pub(crate) fn receive_answer(&mut self, wire: Wire, id: u64) -> Result<serde_json::Value> {
        loop {
            let payload = self.receive()?;
            if let Some(answer) = wire.answer(&payload)? {
                ensure!(answer.id == id, "the answer to {} came instead of {id}", answer.id);
                return Ok(answer.result);
            }
        }
    }

    /// The payload of the next data frame. Pings that come before it are answered.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some((opcode, payload)) = take_frame(&mut self.inbox)? {
                match opcode {
                    frames::PING => self.pong(&payload)?,
                    frames::PONG => {}
                    _ => return Ok(payload),
                }
            } else {
                self.fill().context("no answer")?;
            }
        }
    }

    /// Reads what is there, on a socket that was set non-blocking, and answers pings.
    /// Returns how many pings there were.
    ///
    /// # Errors
    /// If the server closed the connection, or sent anything but pings and notifications.
    pub(crate) fn answer_pings(&mut self, wire: Wire) -> Result<u64> {
        let mut pings = 0;
        let mut chunk = [0; 512];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the server closed an idle connection"),
                Ok(length) => self.inbox.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("reading an idle connection"),
            }
        }
        while let Some((opcode, payload)) = take_frame(&mut self.inbox)? {
            match opcode {
                frames::PING => {
                    self.pong(&payload)?;
                    pings += 1;
                }
                frames::PONG => {}
                _ => ensure!(wire.answer(&payload)?.is_none(), "an answer that nothing asked for"),
            }
        }
        Ok(pings)
    }

    pub(crate) fn pong(&mut self, payload: &[u8]) -> Result<()> {
        let mut frame = Vec::new();
        frames::append_masked(&mut frame, frames::PONG, payload);
        Ok(self.stream.write_all(&frame)?)
    }

    fn fill(&mut self) -> Result<()> {
        let mut chunk = [0; 4096];
        let length = loop {
            match self.stream.read(&mut chunk) {
                // A process that was held still is told so when it goes on.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        ensure!(length > 0, "the server closed the connection");
        self.inbox.extend_from_slice(&chunk[..length]);
        Ok(())
    }
}

fn take_frame(inbox: &mut Vec<u8>) -> Result<Option<(u8, Vec<u8>)>> {
    let Some(head) = Head::parse(inbox)? else { return Ok(None) };
    let Some(payload) = inbox.get(head.head..head.total()) else { return Ok(None) };
    let payload = payload.to_vec();
    ensure!(head.fin, "a fragmented answer");
    if head.opcode == frames::CLOSE {
        let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        bail!(
            "the server closes: {code:?} {}",
            String::from_utf8_lossy(payload.get(2..).unwrap_or_default())
        );
    }
    inbox.drain(..head.total());
    if inbox.is_empty() {
        // Thousands of connections are held open: none keeps a buffer.
        *inbox = Vec::new();
    }
    Ok(Some((head.opcode, payload)))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn header<'a>(response: &'a str, name: &str) -> Option<&'a str> {
    response.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
