//! The operators' port: metrics, health, and what operators may do.

use super::revocations::Revocations;
use super::revoke;
use crate::audit::{Entry, Event};
use crate::mail::Memo;
use crate::pod::Pod;
use crate::survey::survey;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{Exposition, Format};
use session_store::Availability;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

const REVOKE: &str = "/admin/v1/revoke";

/// What the port serves.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pod: Arc<Pod>,
    /// The way to each shard.
    shards: Arc<[mpsc::Sender<Memo>]>,
    exposition: Arc<Exposition>,
    /// Without it the pod is not ready. None: it is ready all the same.
    store: Option<watch::Receiver<Availability>>,
    drain: mpsc::Sender<()>,
    revocations: Arc<Revocations>,
    /// How long a revocation stands.
    revocation_ttl: Duration,
}

impl Admin {
    /// `drain` receives a message for each POST /health/drain.
    pub(crate) fn new(
        (pod, shards): (Arc<Pod>, Arc<[mpsc::Sender<Memo>]>),
        store: Option<watch::Receiver<Availability>>,
        drain: mpsc::Sender<()>,
        (revocations, revocation_ttl): (Arc<Revocations>, Duration),
    ) -> Self {
        let exposition = Arc::new(Exposition::new(Arc::clone(&pod.metrics)));
        Self { pod, shards, exposition, store, drain, revocations, revocation_ttl }
    }

    fn ready(&self) -> Response<Full<Bytes>> {
        if self.pod.is_draining() {
            return text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
        }
        if self.store.as_ref().is_some_and(|store| !store.borrow().is_up()) {
            let reason = "the store is out of reach: no session can be resumed here\n";
            return text(StatusCode::SERVICE_UNAVAILABLE, reason);
        }
        text(StatusCode::OK, "ready\n")
    }

    /// Serves one connection.
    pub(crate) async fn serve(self, stream: TcpStream) {
        let address = stream.peer_addr().ok().map(|address| address.ip());
        let service = service_fn(move |request| {
            let admin = self.clone();
            async move { Ok::<_, Infallible>(admin.answer(request, address).await) }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection of the admin port broke");
        }
    }

    async fn answer(&self, request: Request<Incoming>, address: Option<IpAddr>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let changes = ["/health/drain", REVOKE].contains(&path);
        let allowed = if changes { Method::POST } else { Method::GET };
        let known = changes || ["/metrics", "/health/live", "/health/ready"].contains(&path);
        let asks =
            request.method() == allowed || (request.method() == Method::HEAD && allowed == Method::GET);
        if known && !asks {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("use {allowed}\n"));
            let allow = HeaderValue::from_str(allowed.as_str()).unwrap_or(HeaderValue::from_static("GET"));
            response.headers_mut().insert(ALLOW, allow);
            return response;
        }
        match path {
            "/metrics" => {
                let accepted =
                    request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
                let format = Format::preferred(&accepted.collect::<Vec<_>>().join(","));
                survey(&self.pod, &self.shards).await;
                typed(StatusCode::OK, self.exposition.text(format), format.content_type())
            }
            "/health/live" => text(StatusCode::OK, "live\n"),
            "/health/ready" => self.ready(),
            "/health/drain" => {
                // A drain that is asked for twice is one drain.
                let _ = self.drain.try_send(());
                self.pod.audit.tell(|| Entry::new(Event::Drain).address(address));
                text(StatusCode::ACCEPTED, "draining\n")
            }
            REVOKE => {
                match revoke::answer(request.into_body(), &self.revocations, self.revocation_ttl).await {
                    Ok((status, json, entry)) => {
                        self.pod.audit.tell(|| entry.address(address));
                        typed(status, json, "application/json")
                    }
                    Err((status, reason)) => text(status, reason + "\n"),
                }
            }
            _ => text(
                StatusCode::NOT_FOUND,
                format!(
                    "nothing is here; there are /metrics, /health/live, /health/ready, /health/drain, {REVOKE}\n"
                ),
            ),
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    typed(status, body, "text/plain; charset=utf-8")
}

fn typed(status: StatusCode, body: impl Into<Bytes>, kind: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
