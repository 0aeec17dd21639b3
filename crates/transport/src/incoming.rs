//! Connections as they are accepted: bounded in number, under TLS or not.

use crate::{Connection, ServerTls, accept};
use futures_util::Stream;
use rustls::ServerConfig;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// What TLS is spoken with.
#[derive(Clone, Debug)]
pub enum Certificates {
    /// Somebody else follows the files.
    Given(watch::Receiver<Arc<ServerConfig>>),
    /// They are followed here.
    Followed(Arc<ServerTls>),
}

/// Told of what came to nothing, and of whom.
pub type OnFailure = Arc<dyn Fn(SocketAddr, &io::Error) + Send + Sync>;

/// What connections are held to.
#[derive(Clone)]
pub struct Bounds {
    /// Connections that may be open at once; more wait to be accepted.
    pub connections: usize,
    /// How long a connection may take from accept until [`Peer::settle`](crate::Peer::settle) is called; then it is cut.
    pub patience: Duration,
    /// Told of each handshake of TLS that came to nothing.
    pub failed: OnFailure,
}

impl Certificates {
    async fn current(&self) -> io::Result<Arc<ServerConfig>> {
        match self {
            Self::Given(config) => Ok(Arc::clone(&config.borrow())),
            Self::Followed(tls) => {
                let tls = Arc::clone(tls);
                // A file system may take its time, and nothing else here may wait for it.
                tokio::task::spawn_blocking(move || tls.current()).await.map_err(io::Error::other)
            }
        }
    }
}

/// Accepts for as long as it is polled. When `stop` fires all connections break.
pub fn incoming(
    listener: TcpListener,
    tls: Option<Certificates>,
    bounds: Bounds,
    stop: CancellationToken,
) -> impl Stream<Item = io::Result<Connection>> {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let state = (listener, tls, bounds, places, stop);
    futures_util::stream::unfold(state, |(listener, tls, bounds, places, stop)| async move {
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        let (socket, address) = accept(&listener).await;
        let config = match &tls {
            Some(tls) => tls.current().await.map(Some),
            None => Ok(None),
        };
        let connection = config.and_then(|config| {
            socket.set_nodelay(true)?;
            Ok(Connection::new(socket, address, config, &bounds, stop.clone(), place))
        });
        Some((connection, (listener, tls, bounds, places, stop)))
    })
}

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounds")
            .field("connections", &self.connections)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
