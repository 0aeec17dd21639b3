//! fastwebsockets and nothing else. Two ways of it: one write for each frame, as in the library's own example, and answers
//! coalesced.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use anyhow::Result;
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket, WebSocketError, upgrade};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{spawn_local, unconstrained};

pub(super) fn serve(port: u16, coalesce: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        super::ready(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(async move {
                let upgrade = service_fn(move |request| upgrade(request, coalesce));
                let http = hyper::server::conn::http1::Builder::new();
                let connection = http.serve_connection(TokioIo::new(stream), upgrade).with_upgrades();
                if let Err(error) = connection.await {
                    eprintln!("handshake: {error}");
                }
            });
        }
    })
}

async fn upgrade(
    mut request: Request<Incoming>,
    coalesce: bool,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let raw = coalesce.then(|| hyper::upgrade::on(&mut request));
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    // Without tokio's budget for each poll, as in the library's example.
    spawn_local(unconstrained(async move {
        let served = match raw {
            Some(raw) => serve_coalesced(raw).await,
            None => serve_plainly(upgraded).await,
        };
        if let Err(error) = served {
            eprintln!("connection: {error}");
        }
    }));
    Ok(response)
}

async fn serve_plainly(upgraded: upgrade::UpgradeFut) -> Result<(), WebSocketError> {
    echo(FragmentCollector::new(upgraded.await?)).await
}

async fn serve_coalesced(upgraded: hyper::upgrade::OnUpgrade) -> Result<(), WebSocketError> {
    let parts =
        upgraded.await?.downcast::<TokioIo<TcpStream>>().map_err(|_| WebSocketError::ConnectionClosed)?;
    let stream = Coalescing { stream: parts.io.into_inner(), early: parts.read_buf, unsent: Vec::new() };
    echo(FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server))).await
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: FragmentCollector<S>,
) -> Result<(), WebSocketError> {
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return socket.into_inner().shutdown().await.map_err(Into::into),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

/// Keeps what is written until a read finds nothing more to answer.
struct Coalescing {
    stream: TcpStream,
    /// Read together with the handshake.
    early: Bytes,
    unsent: Vec<u8>,
}

impl Coalescing {
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(pin!(&mut self.stream).poll_write(context, &self.unsent))?;
            self.unsent.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Coalescing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let length = self.early.len().min(into.remaining());
            into.put_slice(&self.early.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(read) = pin!(&mut self.stream).poll_read(context, into) {
            return Poll::Ready(read);
        }
        ready!(self.poll_send(context))?;
        Poll::Pending
    }
}

impl AsyncWrite for Coalescing {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.unsent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        pin!(&mut self.stream).poll_shutdown(context)
    }
}
