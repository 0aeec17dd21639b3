//! The octets of a client's connection, in the clear or under TLS; blocking or not, as its socket is set.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use anyhow::Result;
use rustls::{ClientConnection, StreamOwned};

use super::secure::Security;

/// One of the two.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    /// Under TLS if there is a `security`; then the handshake is made with the first write, which has to block.
    pub(crate) fn new(socket: TcpStream, security: Option<&Security>) -> Result<Self> {
        Ok(match security {
            None => Self::Plain(socket),
            Some(security) => {
                let connection = security.connection(socket.peer_addr()?.ip())?;
                Self::Tls(Box::new(StreamOwned::new(connection, socket)))
            }
        })
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
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
