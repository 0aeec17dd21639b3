//! A blocking TCP connection, perhaps under TLS, whose every read has a limit in time.

use crate::{PATIENCE, Response};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::SockRef;
use std::io;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Bytes, which are kept.
    Bytes,
    /// The gateway has ended its side.
    End,
    /// The connection was reset.
    Reset,
    /// The session of TLS was ended with an alert.
    Alert,
    /// Nothing, in the time given.
    Nothing,
}

/// A connection to the gateway, and the bytes that came and were not taken yet.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    inbox: Vec<u8>,
}

impl Socket {
    /// Connects.
    ///
    /// # Panics
    /// Nobody listens.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the gateway listens");
        stream.set_nodelay(true).expect("a fresh socket takes options");
        stream.set_write_timeout(Some(PATIENCE)).expect("a fresh socket takes options");
        Self { stream, tls: None, inbox: Vec::new() }
    }

    /// Connects from this address, which is one of the machine's: all below 127.0.0.0/8 are.
    ///
    /// # Panics
    /// Nobody listens.
    pub fn connect_from(own: [u8; 4], address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("the system gives a socket");
        socket.bind(&SocketAddr::from((own, 0)).into()).expect("the address is the machine's");
        socket.connect(&address.into()).expect("the gateway listens");
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).expect("a fresh socket takes options");
        stream.set_write_timeout(Some(PATIENCE)).expect("a fresh socket takes options");
        Self { stream, tls: None, inbox: Vec::new() }
    }

    /// Connects with a receive buffer as small as the system allows, so that unread output backs up soon.
    ///
    /// # Panics
    /// Nobody listens.
    pub fn connect_narrow(address: SocketAddr) -> Self {
        let kind = socket2::Type::STREAM;
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), kind, None);
        let socket = socket.expect("the system gives a socket");
        socket.set_recv_buffer_size(4_096).expect("a fresh socket takes options");
        socket.connect(&address.into()).expect("the gateway listens");
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).expect("a fresh socket takes options");
        stream.set_write_timeout(Some(PATIENCE)).expect("a fresh socket takes options");
        Self { stream, tls: None, inbox: Vec::new() }
    }

    /// Makes the handshake of TLS with a gateway that has to have this name.
    ///
    /// # Errors
    /// The gateway or we refuse; what refused.
    pub fn under_tls(mut self, config: &Arc<ClientConfig>, name: &str) -> io::Result<Self> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        tls.set_buffer_limit(None);
        self.stream.set_read_timeout(Some(PATIENCE))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut self.stream)?;
        }
        self.tls = Some(Box::new(tls));
        Ok(self)
    }

    /// The session of TLS, if there is one.
    pub fn tls(&self) -> Option<&ClientConnection> {
        self.tls.as_deref()
    }

    /// Whether the gateway has said under TLS that nothing more comes.
    pub fn was_told_the_end(&mut self) -> bool {
        let state = self.tls.as_mut().map(|tls| tls.process_new_packets());
        state.is_some_and(|state| state.is_ok_and(|state| state.peer_has_closed()))
    }

    /// Sends all of it.
    ///
    /// # Panics
    /// The gateway does not take it.
    pub fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).expect("the gateway takes what is sent");
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return self.stream.write_all(bytes) };
        tls.writer().write_all(bytes)?;
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    /// As [`Self::offer`], past TLS.
    pub fn offer_bare(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Has both sides take new keys, with what is sent next.
    ///
    /// # Panics
    /// There is no session of TLS 1.3.
    pub fn refresh_keys(&mut self) {
        let tls = self.tls.as_mut().expect("there is TLS");
        tls.refresh_traffic_keys().expect("it is TLS 1.3");
    }

    /// Sends what the gateway takes, which may have ended the connection already.
    pub fn offer(&mut self, bytes: &[u8]) -> bool {
        self.write_all(bytes).is_ok()
    }

    /// Sends until the socket takes no more for `quiet`; says how many bytes it took. False: the connection broke.
    pub fn stuff(&mut self, bytes: &[u8], quiet: Duration) -> (usize, bool) {
        self.stream.set_write_timeout(Some(quiet)).expect("an open socket takes options");
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(taken) => sent += taken,
                Err(error) => {
                    return (sent, matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
                }
            }
        }
        (sent, true)
    }

    /// Ends our side, as a client that was asked nothing more.
    pub fn finish(&self) {
        // It may be gone already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset.
    ///
    /// # Panics
    /// The system does not know the option.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("the option is known");
    }

    /// Our own address.
    ///
    /// # Panics
    /// The socket has none.
    pub fn local_addr(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// Reads once, for as long as `limit`.
    ///
    /// # Panics
    /// The system says what it should not.
    pub fn receive(&mut self, limit: Duration) -> Received {
        let limit = limit.max(Duration::from_micros(1));
        self.stream.set_read_timeout(Some(limit)).expect("an open socket takes options");
        let mut chunk = [0; 16 * 1024];
        let read = match &mut self.tls {
            None => self.stream.read(&mut chunk),
            Some(tls) => read_under(tls, &mut self.stream, &mut chunk),
        };
        match read {
            Ok(0) => Received::End,
            Ok(read) => {
                self.inbox.extend_from_slice(&chunk[..read]);
                Received::Bytes
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Received::Nothing,
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Received::Reset,
                ErrorKind::InvalidData if self.tls.is_some() => Received::Alert,
                _ => panic!("the socket failed: {error}"),
            },
        }
    }

    /// The bytes that came and were not taken.
    pub fn inbox(&self) -> &[u8] {
        &self.inbox
    }

    /// Takes the first bytes of the inbox.
    pub fn take(&mut self, len: usize) -> Vec<u8> {
        let rest = self.inbox.split_off(len);
        std::mem::replace(&mut self.inbox, rest)
    }

    /// Reads until `parse` finds something in the inbox, and takes the bytes that it used.
    ///
    /// # Panics
    /// The connection ends before, or nothing is found within [`PATIENCE`].
    pub fn parse<T>(&mut self, awaited: &str, parse: impl Fn(&[u8]) -> Option<(T, usize)>) -> T {
        let start = Instant::now();
        loop {
            if let Some((found, len)) = parse(&self.inbox) {
                self.take(len);
                return found;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "waited {PATIENCE:?} for {awaited}; there is {:?}", self.shown());
            let received = self.receive(left);
            let alive = matches!(received, Received::Bytes | Received::Nothing);
            assert!(alive, "awaited {awaited}, but found {received:?} after {:?}", self.shown());
        }
    }

    /// Reads until the gateway has ended the connection; answers how. Everything that comes stays in the inbox.
    ///
    /// # Panics
    /// It has not within [`PATIENCE`].
    pub fn await_end(&mut self, awaited: &str) -> Received {
        let start = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "waited {PATIENCE:?} for {awaited}; there is {:?}", self.shown());
            match self.receive(left) {
                Received::Bytes | Received::Nothing => {}
                ended => return ended,
            }
        }
    }

    /// The head of the next HTTP response.
    ///
    /// # Panics
    /// It does not come whole.
    pub fn head(&mut self) -> Response {
        self.parse("the head of an HTTP response", |bytes| {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
            let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
            Some((Response::of_head(head), end + 4))
        })
    }

    /// The next HTTP response.
    ///
    /// # Panics
    /// It does not come whole.
    pub fn response(&mut self) -> Response {
        let mut response = self.head();
        if response.status != 101 {
            assert_eq!(response.header("Transfer-Encoding"), None, "{response:?}");
            let length = response.header("Content-Length").map_or(0, |text| text.parse().expect("a number"));
            response.body = self
                .parse("the body of an HTTP response", |bytes| Some((bytes.get(..length)?.to_vec(), length)));
        }
        response
    }

    /// Reads until the gateway refuses the session of TLS; the alert that says so.
    ///
    /// # Panics
    /// It does not within [`PATIENCE`], or there is no session.
    pub fn await_alert(&mut self) -> String {
        let tls = self.tls.as_mut().expect("there is TLS");
        self.stream.set_read_timeout(Some(PATIENCE)).expect("an open socket takes options");
        loop {
            match read_under(tls, &mut self.stream, &mut [0; 1024]) {
                Err(error) if error.kind() == ErrorKind::InvalidData => return error.to_string(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => panic!("awaited an alert, found {other:?}"),
            }
        }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.inbox[..self.inbox.len().min(200)]).into_owned()
    }
}

/// Reads what one read of the socket brings. Records that carry nothing are an interruption.
fn read_under(tls: &mut ClientConnection, stream: &mut TcpStream, chunk: &mut [u8]) -> io::Result<usize> {
    let buffered = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
    match tls.reader().read(chunk) {
        Err(error) if buffered(&error) => {}
        read => return read,
    }
    if tls.read_tls(stream)? == 0 {
        return Ok(0);
    }
    tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    tls.reader()
        .read(chunk)
        .map_err(|error| if buffered(&error) { io::Error::from(ErrorKind::Interrupted) } else { error })
}
