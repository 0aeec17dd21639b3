//! The port itself: connections within bounds, requests in time, and each led past the rules to who answers it.

use super::Admin;
use super::answer::Answer;
use super::asked::Asked;
use super::routes;
use crate::audit::{Entry, Event};
use crate::config::ms;
use crate::tasks::Tasks;
use crate::tls::InForce;
use futures_util::StreamExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::transport::server::Connected as _;
use transport::{Bounds, Certificates, Connection, Peer};

/// How long a connection may take to say what it wants, each time, and how long it may leave unread what it is told.
const PATIENCE: Duration = Duration::from_secs(30);
const HEADERS: usize = 64;
const HEAD_BYTES: usize = 16 * 1024;

impl Admin {
    /// Serves for as long as it is polled.
    pub(crate) async fn serve(self, listener: TcpListener, tls: Option<InForce>) {
        let admin = Arc::new(self);
        let settings = &admin.config.admin;
        // Accepted sockets inherit it.
        if let Err(error) = SockRef::from(&listener).set_tcp_user_timeout(Some(PATIENCE)) {
            tracing::warn!(%error, "operators may leave answers unread for as long as they like");
        }
        let (pod, audit) = (Arc::clone(&admin.pod.metrics), admin.pod.audit.clone());
        let bounds = Bounds {
            connections: settings.max_connections,
            patience: ms(settings.handshake_timeout_ms),
            failed: Arc::new(move |peer, error| {
                let address = peer.ip().to_canonical();
                tracing::info!(%address, %error, "no handshake of TLS at the admin port");
                pod.admin_refusals.increment();
                audit.tell(|| Entry::new(Event::AdminRefused).address(Some(address)).reason("tls"));
            }),
        };
        let mut accepted =
            pin!(transport::incoming(listener, tls.map(Certificates::Given), bounds, Default::default()));
        let mut tasks = Tasks::default();
        let follower = Arc::clone(&admin);
        tasks.spawn(async move { follower.access.follow_tokens().await });
        while let Some(connection) = accepted.next().await {
            match connection {
                Ok(connection) => tasks.spawn(serve(Arc::clone(&admin), connection)),
                Err(error) => tracing::debug!(%error, "a connection of the admin port was not accepted"),
            }
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Answer {
        let (head, body) = request.into_parts();
        let found = match routes::find(head.uri.path()) {
            Ok(found) => found,
            Err(refused) => return refused.answer(),
        };
        let (needs, handler) = match found.handler(&head.method) {
            Ok(found) => found,
            Err(answer) => return *answer,
        };
        let caller = match self.access.judge(needs, &head.uri, &head.headers, &peer) {
            Ok(caller) => caller,
            Err(refused) => return refused.answer(),
        };
        let query = head.uri.query().unwrap_or_default().to_owned();
        let asked = Asked { caller, id: found.id, query, headers: head.headers, body };
        handler(self, asked).await.unwrap_or_else(|refused| refused.answer())
    }
}

/// Serves one connection.
async fn serve(admin: Arc<Admin>, connection: Connection) {
    let peer = connection.connect_info();
    let service = service_fn(move |request| {
        let (admin, peer) = (Arc::clone(&admin), peer.clone());
        async move { Ok::<_, Infallible>(admin.answer(request, peer).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(connection), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of the admin port broke");
    }
}
