//! An accepted connection: under TLS its handshake is made as it is first read or written. It is cut when its peer asks for
//! nothing in time, and when the server stops.

use crate::{Bounds, OnFailure, Peer};
use rustls::ServerConfig;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// A connection that was accepted.
pub struct Connection {
    socket: Socket,
    peer: Peer,
    failed: OnFailure,
    /// None once the peer has settled.
    deadline: Option<Pin<Box<Sleep>>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    stopped: bool,
    _place: OwnedSemaphorePermit,
}

enum Socket {
    Plain(TcpStream),
    Shaking(Box<Accept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
    /// The handshake came to nothing.
    Broken,
}

impl Connection {
    pub(crate) fn new(
        socket: TcpStream,
        address: SocketAddr,
        config: Option<Arc<ServerConfig>>,
        bounds: &Bounds,
        stop: CancellationToken,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let socket = match config {
            None => Socket::Plain(socket),
            Some(config) => Socket::Shaking(Box::new(TlsAcceptor::from(config).accept(socket))),
        };
        Self {
            socket,
            peer: Peer::new(address),
            failed: Arc::clone(&bounds.failed),
            deadline: Some(Box::pin(tokio::time::sleep(bounds.patience))),
            stop: Box::pin(stop.cancelled_owned()),
            stopped: false,
            _place: place,
        }
    }

    /// Whether it may go on. A connection always waits to read, so that asking there alone wakes it.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.stopped = self.stopped || self.stop.as_mut().poll(cx).is_ready();
        if self.stopped {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let Some(deadline) = &mut self.deadline else { return Ok(()) };
        if self.peer.is_settled() {
            self.deadline = None;
        } else if deadline.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// The socket once the handshake is made.
    fn poll_socket(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Duplex>>> {
        if let Socket::Shaking(accept) = &mut self.socket {
            match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => {
                    self.peer.has_shown(stream.get_ref().1.peer_certificates().unwrap_or_default());
                    self.socket = Socket::Tls(Box::new(stream));
                }
                Err(error) => {
                    self.socket = Socket::Broken;
                    (self.failed)(self.peer.address(), &error);
                    return Poll::Ready(Err(error));
                }
            }
        }
        match &mut self.socket {
            Socket::Plain(socket) => Poll::Ready(Ok(Pin::new(socket))),
            Socket::Tls(stream) => Poll::Ready(Ok(Pin::new(&mut **stream))),
            Socket::Shaking(_) | Socket::Broken => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        ready!(self.poll_socket(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_socket(cx))?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_socket(cx))?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        // What TLS seals is copied anyway, and all slices of a write at once.
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_socket(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            // Nothing was said that would have to be ended.
            Socket::Shaking(_) | Socket::Broken => Poll::Ready(Ok(())),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}
