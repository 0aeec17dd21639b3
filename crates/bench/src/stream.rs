//! The octets of one connection, in the clear or under TLS. Never waits.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::Target;

/// One of the two.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Begins to connect.
    ///
    /// # Errors
    /// There is no descriptor or no port left, or the source is no address of this machine.
    pub(crate) fn dial(
        target: &Target,
        source: Option<IpAddr>,
        tls: Option<&Arc<ClientConfig>>,
    ) -> io::Result<Self> {
        let address = target.address();
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&address.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        let socket = TcpStream::from_std(socket.into());
        Ok(match target.name().zip(tls) {
            None => Self::Plain(socket),
            Some((name, config)) => {
                let connection = ClientConnection::new(Arc::clone(config), name.clone());
                Self::Tls(Box::new(StreamOwned::new(connection.map_err(io::Error::other)?, socket)))
            }
        })
    }

    /// The socket, to be registered.
    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &mut stream.sock,
        }
    }

    /// Whether a read that did not fill its space has found all that there is.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Breaks off without a word, as a client does whose machine is gone.
    pub(crate) fn reset(mut self) {
        // Without it the socket is closed in order, which is no error.
        let _ = SockRef::from(&*self.socket()).set_linger(Some(Duration::ZERO));
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
