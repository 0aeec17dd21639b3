//! OTLP/HTTP's way to a collector: one POST on a connection of its own. Bounded in size, and in time by whoever waits.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use transport::ClientTls;

/// The largest answer that is read.
const ANSWER: usize = 64 * 1024;

/// What connections are made with.
pub(super) struct Poster(pub(super) Arc<ClientTls>);

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Poster")
    }
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Poster {
    // As the attribute of the trait writes it.
    fn send_bytes<'a, 'b>(&'a self, request: Request<Bytes>) -> Sent<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        let tls = Arc::clone(&self.0);
        let sent: Sent<'_> = Box::pin(async move {
            let uri = request.uri();
            let host = uri.host().ok_or("the endpoint has no host")?;
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            if uri.scheme_str() == Some("https") {
                let stream = tls.connect_http1(uri.clone()).await?;
                return exchange(stream, request).await;
            }
            let port = uri.port_u16().unwrap_or(80);
            exchange(TcpStream::connect((host, port)).await?, request).await
        });
        Box::pin(async move {
            // The exporter says no more than that it was the network.
            sent.await.inspect_err(|error| tracing::debug!(%error, "the collector was not reached"))
        })
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map_or("", |authority| authority.as_str());
    head.headers.insert(HOST, HeaderValue::from_str(authority)?);
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    head.uri = head.uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    let answer = async {
        let answer = sender.send_request(Request::from_parts(head, Full::new(body))).await?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    };
    tokio::pin!(answer);
    tokio::select! {
        answered = &mut answer => answered,
        // What has come before the end can still be read.
        _ = connection => answer.await,
    }
}
