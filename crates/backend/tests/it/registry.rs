//! A small gateway's registry: real gRPC, and it tells the test what it saw.
use std::net::SocketAddr;
use std::pin::Pin;

use protocol::pb::registry_server::{Registry, RegistryServer};
use protocol::pb::{Hello, Lease, Registration, registration::Kind};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use crate::harness::soon;
use crate::process::Process;

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

/// Ends as a killed process does when it is dropped.
pub(crate) struct RunningRegistry {
    pub(crate) address: SocketAddr,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    _process: Process,
}

impl RunningRegistry {
    pub(crate) fn start(address: &str, ttl_ms: u32) -> Self {
        let (tell, seen) = mpsc::unbounded_channel();
        let registry = RegistryServer::new(Recorder { seen: tell, ttl_ms });
        let process = Process::start(address, Server::builder().add_service(registry));
        Self { address: process.address, seen, _process: process }
    }

    pub(crate) async fn next(&mut self) -> Seen {
        soon(self.seen.recv()).await.expect("the registry runs")
    }
}
