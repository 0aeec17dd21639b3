//! The port itself: connections within bounds, requests in time, and each led to who answers it.

use super::Admin;
use super::answer::Answer;
use super::asked::Asked;
use super::routes;
use crate::tasks::Tasks;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::ACCEPT;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long a connection may take to say what it wants, each time.
const PATIENCE: Duration = Duration::from_secs(30);

impl Admin {
    /// Serves for as long as it is polled.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let admin = Arc::new(self);
        let mut connections = Tasks::default();
        loop {
            let (stream, _) = transport::accept(&listener).await;
            connections.spawn(connection(Arc::clone(&admin), stream));
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, address: Option<IpAddr>) -> Answer {
        let (head, body) = request.into_parts();
        let found = match routes::find(head.uri.path()) {
            Ok(found) => found,
            Err(refused) => return refused.answer(),
        };
        let (_, handler) = match found.handler(&head.method) {
            Ok(found) => found,
            Err(answer) => return *answer,
        };
        let accepted = head.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accept = accepted.collect::<Vec<_>>().join(",");
        let asked = Asked { address, id: found.id, accept, body };
        handler(self, asked).await.unwrap_or_else(|refused| refused.answer())
    }
}

/// Serves one connection.
async fn connection(admin: Arc<Admin>, stream: TcpStream) {
    let address = stream.peer_addr().ok().map(|address| address.ip());
    let service = service_fn(move |request| {
        let admin = Arc::clone(&admin);
        async move { Ok::<_, Infallible>(admin.answer(request, address).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of the admin port broke");
    }
}
