//! A client's stream, in the clear or under TLS. Nobody behind it needs to know which.

use crate::tls::Session;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// One of the two. A stream in the clear is not made larger by what TLS needs.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<Session>),
}

impl Stream {
    /// Waits until there is something to read, without a buffer for it.
    ///
    /// # Errors
    /// The socket's.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.readable().await,
            Self::Tls(session) => session.readable().await,
        }
    }

    /// Bytes that were taken from the writer and that the socket has not taken yet: [`AsyncWrite::poll_flush`] sends them.
    pub(crate) const fn unsent(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(session) => session.unsent(),
        }
    }
}

/// Ends our side, and reads on for a moment, since a reset would take what was said last away from the peer.
///
/// # Cancel safety
/// The stream is lost with the future.
pub(crate) async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    const MOST: u64 = 64 * 1024;
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(MOST);
        let mut sink = [0; 1024];
        while rest.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(session) => session.poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(session) => session.poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(session) => session.poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(session) => session.poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_in_the_clear_takes_no_more_room_than_its_socket() {
        assert!(size_of::<Stream>() <= size_of::<TcpStream>() + 8);
    }
}
