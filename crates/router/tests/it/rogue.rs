//! A backend written on the bare contract, which does what a script says, however wrong.
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use protocol::pb::backend_server::{Backend, BackendServer};
use protocol::pb::call_event::Event;
use protocol::pb::{self, CallEvent, CallRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::shard::{PATIENCE, Process};

/// Where a script writes its events.
pub(crate) type Answers = mpsc::UnboundedSender<Result<CallEvent, Status>>;
type Script = Arc<dyn Fn(CallRequest, &Answers) + Send + Sync>;

/// A running rogue and every request that it got.
pub(crate) struct Rogue {
    pub(crate) process: Process,
    seen: mpsc::UnboundedReceiver<Seen>,
}

/// What a rogue saw.
#[derive(Debug)]
pub(crate) enum Seen {
    Request(Box<CallRequest>),
    /// The gateway dropped a stream of Call before its end.
    Dropped,
}

impl Rogue {
    /// One with Calls and with these tools; a name that ends with `!` is declared idempotent.
    pub(crate) fn start(
        tools: &[&str],
        script: impl Fn(CallRequest, &Answers) + Send + Sync + 'static,
    ) -> Self {
        Self::serve(description(tools, true), script)
    }

    /// One without Calls.
    pub(crate) fn unary(
        tools: &[&str],
        script: impl Fn(CallRequest, &Answers) + Send + Sync + 'static,
    ) -> Self {
        Self::serve(description(tools, false), script)
    }

    pub(crate) fn serve(
        description: pb::Description,
        script: impl Fn(CallRequest, &Answers) + Send + Sync + 'static,
    ) -> Self {
        let (note, seen) = mpsc::unbounded_channel();
        let service = Service { description, script: Arc::new(script), note, has_calls: true };
        Self { process: run(service), seen }
    }

    /// One that promises Calls and does not have it.
    pub(crate) fn liar(
        tools: &[&str],
        script: impl Fn(CallRequest, &Answers) + Send + Sync + 'static,
    ) -> Self {
        let (note, seen) = mpsc::unbounded_channel();
        let description = description(tools, true);
        let service = Service { description, script: Arc::new(script), note, has_calls: false };
        Self { process: run(service), seen }
    }

    pub(crate) fn address(&self) -> &str {
        &self.process.address
    }

    pub(crate) async fn seen(&mut self) -> Seen {
        tokio::time::timeout(PATIENCE, self.seen.recv())
            .await
            .expect("the backend sees something")
            .expect("the backend lives")
    }

    pub(crate) async fn request(&mut self) -> CallRequest {
        match self.seen().await {
            Seen::Request(request) => *request,
            Seen::Dropped => panic!("expected a request, the call was dropped"),
        }
    }

    pub(crate) fn saw_nothing_more(&mut self) -> bool {
        self.seen.try_recv().is_err()
    }
}

pub(crate) fn description(tools: &[&str], multiplexed: bool) -> pb::Description {
    let tools = tools.iter().map(|name| pb::Tool {
        name: name.trim_end_matches('!').to_owned(),
        annotations: Some(pb::Annotations { idempotent: name.ends_with('!'), ..Default::default() }),
        ..Default::default()
    });
    pb::Description {
        name: "rogue".into(),
        tools: tools.collect(),
        multiplexed,
        ping_interval_ms: 1,
        ..Default::default()
    }
}

pub(crate) fn event(call_id: u64, event: Event) -> Result<CallEvent, Status> {
    Ok(CallEvent { call_id, event: Some(event) })
}

pub(crate) fn result(call_id: u64, json: &str) -> Result<CallEvent, Status> {
    event(call_id, Event::Result(json.to_owned().into()))
}

pub(crate) fn error(call_id: u64, code: u32) -> Result<CallEvent, Status> {
    event(
        call_id,
        Event::Error(pb::Error { code, message: "as the script says".into(), ..Default::default() }),
    )
}

/// Sends, unless the gateway has gone.
pub(crate) fn say(answers: &Answers, what: Result<CallEvent, Status>) {
    let _ = answers.send(what);
}

fn run(service: Service) -> Process {
    Process::spawn(move |listening| async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        listening.send(format!("http://{address}")).expect("the test waits");
        tonic::transport::Server::builder()
            .add_service(BackendServer::new(service).max_encoding_message_size(usize::MAX))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
            .expect("the rogue serves");
    })
}

struct Service {
    description: pb::Description,
    script: Script,
    note: mpsc::UnboundedSender<Seen>,
    has_calls: bool,
}

type Events = Pin<Box<dyn Stream<Item = Result<CallEvent, Status>> + Send>>;

#[tonic::async_trait]
impl Backend for Service {
    type CallStream = Events;
    type CallsStream = Events;

    async fn describe(&self, _: Request<pb::DescribeRequest>) -> Result<Response<pb::Description>, Status> {
        Ok(Response::new(self.description.clone()))
    }

    async fn call(&self, request: Request<CallRequest>) -> Result<Response<Events>, Status> {
        let (answers, events) = mpsc::unbounded_channel();
        let request = request.into_inner();
        let _ = self.note.send(Seen::Request(Box::new(request.clone())));
        (self.script)(request, &answers);
        let events = UnboundedReceiverStream::new(events);
        Ok(Response::new(Box::pin(Watched { events, note: self.note.clone(), ended: false })))
    }

    async fn calls(&self, request: Request<Streaming<CallRequest>>) -> Result<Response<Events>, Status> {
        if !self.has_calls {
            return Err(Status::unimplemented("no Calls here"));
        }
        let (answers, events) = mpsc::unbounded_channel();
        let (script, note) = (Arc::clone(&self.script), self.note.clone());
        let requests = request.into_inner().filter_map(move |request| {
            let request = request.ok()?;
            let _ = note.send(Seen::Request(Box::new(request.clone())));
            script(request, &answers);
            // Requests are only taken here; what they cause comes from the other stream.
            None
        });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(events).merge(requests))))
    }
}

/// Notes a stream of Call that was dropped while its script still had it open.
struct Watched {
    events: UnboundedReceiverStream<Result<CallEvent, Status>>,
    note: mpsc::UnboundedSender<Seen>,
    ended: bool,
}

impl Stream for Watched {
    type Item = Result<CallEvent, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.events).poll_next(context);
        self.ended |= matches!(next, Poll::Ready(None | Some(Err(_))));
        next
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.note.send(Seen::Dropped);
        }
    }
}
