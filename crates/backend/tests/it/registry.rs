//! A small gateway's registry: real gRPC, and it tells the test what it saw.
use std::net::SocketAddr;
use std::pin::Pin;
use std::thread::JoinHandle;

use protocol::pb::registry_server::{Registry, RegistryServer};
use protocol::pb::{Hello, Lease, Registration, registration::Kind};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use crate::harness::soon;

#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Hello(Hello),
    Heartbeat,
    Left,
    Lost,
}

struct Recorder {
    seen: mpsc::UnboundedSender<Seen>,
    ttl_ms: u32,
}

type Leases = Pin<Box<dyn Stream<Item = Result<Lease, Status>> + Send>>;

#[tonic::async_trait]
impl Registry for Recorder {
    type RegisterStream = Leases;

    async fn register(&self, request: Request<Streaming<Registration>>) -> Result<Response<Leases>, Status> {
        let (seen, ttl_ms) = (self.seen.clone(), self.ttl_ms);
        let leases =
            request.into_inner().map(Some).chain(tokio_stream::once(None)).filter_map(move |message| {
                let saw = match &message {
                    Some(Ok(Registration { kind: Some(Kind::Hello(hello)) })) => Seen::Hello(hello.clone()),
                    Some(Ok(_)) => Seen::Heartbeat,
                    Some(Err(_)) => Seen::Lost,
                    None => Seen::Left,
                };
                let first = matches!(saw, Seen::Hello(_));
                // The test may have seen enough.
                let _ = seen.send(saw);
                first.then(|| Ok(Lease { lease_id: "lease-1".to_owned(), ttl_ms }))
            });
        Ok(Response::new(Box::pin(leases)))
    }
}

/// Serves on a runtime of its own. When it is dropped, the runtime ends, and with it every connection, as when
/// a process is killed.
pub(crate) struct RunningRegistry {
    pub(crate) address: SocketAddr,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningRegistry {
    pub(crate) fn start(address: &str, ttl_ms: u32) -> Self {
        let listener = listen(address);
        let address = listener.local_addr().expect("a bound socket has an address");
        let (tell, seen) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the runtime takes a socket");
                let serving = Server::builder()
                    .add_service(RegistryServer::new(Recorder { seen: tell, ttl_ms }))
                    .serve_with_incoming(TcpListenerStream::new(listener));
                tokio::select! {
                    ended = serving => ended.expect("the registry serves"),
                    _ = stopped => {}
                }
            });
        });
        Self { address, seen, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) async fn next(&mut self) -> Seen {
        soon(self.seen.recv()).await.expect("the registry runs")
    }
}

/// The standard library sets SO_REUSEADDR, so a restarted registry gets the address of the one before it.
fn listen(address: &str) -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind(address).expect("the address is free");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    listener
}

impl Drop for RunningRegistry {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the registry did not panic");
        }
    }
}
