//! Connections to a server, in the clear or by TLS.
use crate::settings::Server;
use futures_util::future::BoxFuture;
use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;
use transport::{ClientFiles, ClientTls};

/// Makes connections for one server.
#[derive(Clone)]
pub(super) struct Connector(Arc<ClientTls>);

impl Connector {
    /// # Errors
    /// What is wrong with the file of authorities.
    pub(super) fn new(server: &Server) -> Result<Self, String> {
        let files = ClientFiles { ca_file: server.server_ca_file.clone(), ..ClientFiles::default() };
        ClientTls::new(files)
            .map(|tls| Self(Arc::new(tls)))
            .map_err(|error| format!("server_ca_file: {error}"))
    }
}

impl Service<Uri> for Connector {
    type Response = Socket;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Socket>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = Arc::clone(&self.0);
        Box::pin(async move {
            let stream: Box<dyn Stream> = if uri.scheme_str() == Some("https") {
                Box::new(tls.connect_http1(uri).await?)
            } else {
                let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
                let socket = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
                socket.set_nodelay(true)?;
                Box::new(socket)
            };
            Ok(Socket(TokioIo::new(stream)))
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection.
pub(super) struct Socket(TokioIo<Box<dyn Stream>>);

impl Connection for Socket {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
