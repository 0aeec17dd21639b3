//! A backend that runs, and the order in which it is started and shut down.
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use protocol::pb::Hello;
use protocol::pb::backend_server::BackendServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::{Request, Status};
use transport::{Bounds, Certificates, Peer};
use uuid::Uuid;

use crate::handlers::Handlers;
use crate::health::Health;
use crate::memory::Memory;
use crate::registration::Gateway;
use crate::service::{Service, Shared};
use crate::token::Token;
use crate::{Error, Publisher, Replacer, Serve, Sessions, tasks};

const WINDOW: u32 = 4 << 20;
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADERS: u32 = 16 << 10;
/// Whoever connects and asks for nothing is cut.
const PATIENCE: Duration = Duration::from_secs(10);

/// A backend that is being served. Dropping it breaks its connections and drops its calls, as if the process
/// had ended; [`Running::shutdown`] is the graceful way.
pub struct Running {
    local_addr: SocketAddr,
    instance: String,
    publisher: Publisher,
    sessions: Sessions,
    shared: Arc<Shared>,
    drain_timeout: Duration,
    health: Health,
    leave: CancellationToken,
    drain: CancellationToken,
    stop: CancellationToken,
    registrations: Vec<(JoinHandle<()>, watch::Receiver<bool>)>,
    /// None once it was seen to end.
    server: Option<JoinHandle<Result<(), Error>>>,
}

pub(crate) async fn start(
    handlers: Handlers,
    remembers: Option<Duration>,
    options: Serve,
) -> Result<Running, Error> {
    let (client, server) = (options.tls.client()?, options.tls.server()?);
    let token = Token::new(options.registry_token_file)?;
    let gateways = options.register_at.iter().map(|address| Gateway::parse(address, &client, &token));
    let gateways: Vec<_> = gateways.collect::<Result<_, _>>()?;
    let listen = |source| Error::Listen { address: options.listen.clone(), source };
    let listener = TcpListener::bind(&options.listen).await.map_err(listen)?;
    let local_addr = listener.local_addr().map_err(listen)?;
    let drain = CancellationToken::new();
    let stop = CancellationToken::new();
    let leave = stop.child_token();

    let (reporter, health_server) = tonic_health::server::health_reporter();
    let health = Health(reporter);
    health.serving().await;
    let sessions = Sessions::new(&gateways, token.clone());
    let publisher = Publisher::new(&handlers.description.name, &gateways, token, options.publish_timeout);
    let shared = Shared {
        handlers: ArcSwap::from_pointee(handlers),
        publisher: publisher.clone(),
        max_message_size: options.max_message_size,
        max_running_calls: u32::try_from(options.max_running_calls).unwrap_or(u32::MAX),
        memory: remembers.map(|grace| Memory::new(grace, stop.clone())),
        drain: drain.clone(),
    };
    let shared = Arc::new(shared);
    let service = BackendServer::new(Service(Arc::clone(&shared)))
        .max_decoding_message_size(options.max_message_size)
        .max_encoding_message_size(options.max_message_size);
    let closing = {
        let (drain, stop) = (drain.clone(), stop.clone());
        async move {
            tokio::select! {
                () = drain.cancelled() => {}
                () = stop.cancelled() => {}
            }
        }
    };
    let own_address = if server.is_some() { format!("https://{local_addr}") } else { local_addr.to_string() };
    let bounds = Bounds {
        connections: options.max_connections,
        patience: PATIENCE,
        failed: Arc::new(|peer, error| tracing::warn!(%peer, %error, "no handshake of TLS")),
    };
    let connections = transport::incoming(listener, server.map(Certificates::Followed), bounds, stop.clone());
    let server = Server::builder()
        .layer(InterceptorLayer::new(settle))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_concurrent_streams(options.max_streams)
        .http2_max_header_list_size(MAX_HEADERS)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(health_server)
        .add_service(service)
        .serve_with_incoming_shutdown(connections, closing);
    let server =
        tasks::spawn(
            async move { server.await.map_err(|error| Error::Server { reason: error.to_string() }) },
        );

    let instance = Uuid::now_v7().to_string();
    let address = options.advertise.unwrap_or(own_address);
    let registrations = gateways.into_iter().map(|gateway| {
        let (registered, watch) = watch::channel(false);
        let hello = Hello { address: address.clone(), instance: instance.clone() };
        (tasks::spawn(gateway.keep_registered(hello, registered, leave.clone())), watch)
    });
    Ok(Running {
        local_addr,
        publisher,
        sessions,
        shared,
        registrations: registrations.collect(),
        drain_timeout: options.drain_timeout,
        server: Some(server),
        instance,
        health,
        leave,
        drain,
        stop,
    })
}

/// Whoever asks for something may stay connected.
fn settle(request: Request<()>) -> Result<Request<()>, Status> {
    if let Some(peer) = request.extensions().get::<Peer>() {
        peer.settle();
    }
    Ok(request)
}

impl Running {
    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The text that tells this replica from others at the gateways.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// A way to publish events from outside of a call. It may outlive the backend.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// A way to ask which sessions have ended. It may outlive the backend.
    pub fn sessions(&self) -> Sessions {
        self.sessions.clone()
    }

    /// Ready once every gateway to register at has given a lease. At once if there is none to register at.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub async fn registered(&self) {
        for (_, registered) in &self.registrations {
            // Fails only when the registration has ended for good, and then nothing is to be waited for.
            let _ = registered.clone().wait_for(|registered| *registered).await;
        }
    }

    /// A way to change what the backend offers while it runs. It may outlive the backend.
    pub fn replacer(&self) -> Replacer {
        Replacer::new(Arc::clone(&self.shared), self.health.clone())
    }

    /// Ready when the server has ended by itself, which it only does on an error.
    ///
    /// # Errors
    /// What made the server end.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub async fn wait(&mut self) -> Result<(), Error> {
        let Some(server) = &mut self.server else { return Ok(()) };
        let ended = server.await;
        self.server = None;
        ended.unwrap_or_else(|error| Err(Error::Server { reason: error.to_string() }))
    }

    /// Leaves the gateways, takes no new calls, waits for running ones up to the drain timeout, then stops.
    /// New calls are served until each gateway has confirmed the leave, or for a second.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it stops at once, as dropping the handle does.
    pub async fn shutdown(mut self) {
        self.health.not_serving().await;
        self.leave.cancel();
        for (registration, _) in self.registrations.drain(..) {
            // A registration that panicked has left as well.
            let _ = registration.await;
        }
        self.drain.cancel();
        self.health.end_watches().await;
        if timeout(self.drain_timeout, self.wait()).await.is_err() {
            tracing::warn!("calls still ran after the drain timeout; they are dropped");
            self.stop.cancel();
            let _ = self.wait().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("local_addr", &self.local_addr)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}
