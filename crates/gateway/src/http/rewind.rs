//! A stream whose first bytes were read already and are read again.

use crate::stream::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// First the bytes, then the stream.
#[derive(Debug)]
pub(crate) struct Rewind {
    bytes: Vec<u8>,
    at: usize,
    stream: Stream,
}

impl Rewind {
    pub(super) const fn new(bytes: Vec<u8>, stream: Stream) -> Self {
        Self { bytes, at: 0, stream }
    }

    /// The bytes that were not read again, and the stream.
    pub(super) fn into_parts(mut self) -> (Vec<u8>, Stream) {
        self.bytes.drain(..self.at);
        (self.bytes, self.stream)
    }
}

impl AsyncRead for Rewind {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let rest = &this.bytes[this.at..];
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let take = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..take]);
        this.at += take;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewind {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
