//! A backend written on the bare contract, which does what a script says, however wrong; and a registration by hand.

use backend::{Backend, Serve};
use protocol::pb::backend_server::{self, BackendServer};
use protocol::pb::call_event::Event;
use protocol::pb::registration::Kind;
use protocol::pb::registry_client::RegistryClient;
use protocol::pb::{self, CallEvent, CallRequest};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tests::Endpoints;
use tokio::sync::{mpsc as channel, oneshot};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use transport::{ClientFiles, ClientTls, Connector};

/// Where a script writes its events; it has room for few, so that whoever floods feels backpressure.
pub(crate) type Answers = channel::Sender<Result<CallEvent, Status>>;
type Script = Arc<dyn Fn(CallRequest, Answers) + Send + Sync>;
type Events = Pin<Box<dyn Stream<Item = Result<CallEvent, Status>> + Send>>;

/// A running one. Dropped, it breaks off.
pub(crate) struct Rogue {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Service {
    script: Script,
    multiplexed: bool,
}

impl Rogue {
    /// One with the tools `bad`, which does what the script says, and `good`. It serves many calls on one stream, or each
    /// on its own.
    pub(crate) fn start(
        multiplexed: bool,
        script: impl Fn(CallRequest, Answers) + Send + Sync + 'static,
    ) -> Self {
        let (bound, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = Service { script: Arc::new(script), multiplexed };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                bound.send(listener.local_addr().expect("it is bound")).expect("somebody waits");
                let serving = Server::builder()
                    .add_service(BackendServer::new(service).max_encoding_message_size(usize::MAX))
                    .serve_with_incoming(TcpListenerStream::new(listener));
                tokio::select! {
                    served = serving => served.expect("it serves"),
                    _ = stopped => {}
                }
            });
        });
        let address = address.recv().expect("it is bound");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// As the gateway's configuration lists it.
    pub(crate) fn listed(&self) -> Vec<String> {
        vec![format!("http://{}", self.address)]
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic fails the test by what it leaves undone.
            let _ = thread.join();
        }
    }
}

pub(crate) fn event(call_id: u64, event: Event) -> Result<CallEvent, Status> {
    Ok(CallEvent { call_id, event: Some(event) })
}

pub(crate) fn result(call_id: u64, json: &str) -> Result<CallEvent, Status> {
    event(call_id, Event::Result(json.to_owned().into()))
}

impl Service {
    async fn answer(&self, request: CallRequest, answers: Answers) {
        if request.tool == "good" {
            let _ = answers.send(result(request.call_id, "\"good\"")).await;
        } else if !request.cancel {
            (self.script)(request, answers);
        }
    }
}

#[tonic::async_trait]
impl backend_server::Backend for Service {
    type CallStream = Events;
    type CallsStream = Events;

    async fn describe(&self, _: Request<pb::DescribeRequest>) -> Result<Response<pb::Description>, Status> {
        let tool = |name: &str| pb::Tool { name: name.to_owned(), ..pb::Tool::default() };
        Ok(Response::new(pb::Description {
            name: "rogue".to_owned(),
            tools: vec![tool("bad"), tool("good")],
            multiplexed: self.multiplexed,
            ..pb::Description::default()
        }))
    }

    async fn call(&self, request: Request<CallRequest>) -> Result<Response<Events>, Status> {
        let (answers, events) = channel::channel(4);
        self.answer(request.into_inner(), answers).await;
        Ok(Response::new(Box::pin(ReceiverStream::new(events))))
    }

    async fn calls(&self, requests: Request<Streaming<CallRequest>>) -> Result<Response<Events>, Status> {
        let (answers, events) = channel::channel(4);
        let (service, mut requests) = (self.clone(), requests.into_inner());
        #[expect(clippy::disallowed_methods, reason = "the runtime is the rogue's own, and ends with it")]
        tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                service.answer(request, answers.clone()).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(events))))
    }
}

/// Serves a backend and registers it by hand, over a connection on which no certificate is shown; how that was answered.
pub(crate) fn registered_by_hand(
    gateway: &Endpoints,
    authority: &Path,
    backend: Backend,
    serve: Serve,
) -> Result<(), Status> {
    let files = ClientFiles { ca_file: Some(authority.to_owned()), ..ClientFiles::default() };
    let connector = Connector::new(Arc::new(ClientTls::new(files).expect("it is an authority")));
    let endpoint = Endpoint::from_shared(format!("https://{}", gateway.grpc)).expect("it is an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let running = backend.serve(serve).await.expect("the backend serves");
        let channel = endpoint.connect_with_connector(connector).await.expect("the gateway is believed");
        let address = format!("https://{}", running.local_addr());
        register(RegistryClient::new(channel), &address, "by-hand").await.map(drop)
    })
}

/// Says hello and awaits the first lease. The registration ends with the stream that is returned.
pub(crate) async fn register(
    mut registry: RegistryClient<tonic::transport::Channel>,
    address: &str,
    instance: &str,
) -> Result<Streaming<pb::Lease>, Status> {
    let hello = pb::Hello { address: address.to_owned(), instance: instance.to_owned() };
    let hello = pb::Registration { kind: Some(Kind::Hello(hello)) };
    // The stream stays open, or the registration would end with it.
    let requests = tokio_stream::iter([hello]).chain(tokio_stream::pending());
    let mut leases = registry.register(requests).await?.into_inner();
    leases.message().await?.ok_or_else(|| Status::unavailable("no lease"))?;
    Ok(leases)
}
