//! A served backend and a gateway's view of it.
use std::time::Duration;

use backend::{Backend, ErrorCode, Running, Serve};
use protocol::pb::backend_client::BackendClient;
use protocol::pb::{CallEvent, CallRequest, Error, Identity, call_event::Event};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

pub(crate) async fn serve(backend: Backend) -> (Running, BackendClient<Channel>) {
    serve_with(backend, Serve::default()).await
}

pub(crate) async fn serve_with(backend: Backend, options: Serve) -> (Running, BackendClient<Channel>) {
    let running = backend.serve(options).await.expect("the backend serves");
    let client = BackendClient::connect(format!("http://{}", running.local_addr())).await;
    (running, client.expect("the backend can be dialled").max_decoding_message_size(usize::MAX))
}

/// Fails the test if this takes longer than anything should.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens soon")
}

pub(crate) fn tool(call_id: u64, tool: &str, args: &str) -> CallRequest {
    method(call_id, "tool.execute", args).with_tool(tool)
}

pub(crate) fn method(call_id: u64, method: &str, params: &str) -> CallRequest {
    CallRequest {
        call_id,
        method: method.to_owned(),
        params: params.to_owned().into(),
        identity: Some(Identity {
            tenant: "acme".to_owned(),
            agent: "agent-7".to_owned(),
            scopes: vec!["tool:execute".to_owned()],
        }),
        session_id: "session-1".to_owned(),
        idempotency_key: "key-1".to_owned(),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        tracestate: "vendor=1".to_owned(),
        ..CallRequest::default()
    }
}

pub(crate) trait Requests {
    fn with_tool(self, tool: &str) -> Self;
    fn with_timeout(self, timeout_ms: u32) -> Self;
}

impl Requests for CallRequest {
    fn with_tool(mut self, tool: &str) -> Self {
        tool.clone_into(&mut self.tool);
        self
    }

    fn with_timeout(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = timeout_ms;
        self
    }
}

/// The last event of a call over `Call`.
pub(crate) async fn call(client: &BackendClient<Channel>, request: CallRequest) -> Event {
    let mut events = client.clone().call(request).await.expect("the call is taken").into_inner();
    let mut last = None;
    while let Some(event) = soon(events.message()).await.expect("the stream is sound") {
        last = event.event;
    }
    last.expect("a call ends with an event")
}

/// A stream of `Calls`.
pub(crate) struct Calls {
    requests: mpsc::Sender<CallRequest>,
    events: Streaming<CallEvent>,
}

impl Calls {
    pub(crate) async fn open(client: &BackendClient<Channel>) -> Self {
        let (requests, outgoing) = mpsc::channel(16);
        let events = client.clone().calls(ReceiverStream::new(outgoing)).await.expect("the stream is opened");
        Self { requests, events: events.into_inner() }
    }

    pub(crate) async fn send(&self, request: CallRequest) {
        soon(self.requests.send(request)).await.expect("the stream is open");
    }

    pub(crate) async fn cancel(&self, call_id: u64) {
        self.send(CallRequest { call_id, cancel: true, ..CallRequest::default() }).await;
    }

    /// The next event, with its call id.
    pub(crate) async fn next(&mut self) -> (u64, Event) {
        self.next_or_end().await.expect("the stream goes on")
    }

    pub(crate) async fn next_or_end(&mut self) -> Option<(u64, Event)> {
        let event = soon(self.events.message()).await.expect("the stream is sound")?;
        Some((event.call_id, event.event.expect("an event is not empty")))
    }

    /// Whether the stream ends with an error, as when its connection is lost.
    pub(crate) async fn broken(&mut self) -> bool {
        loop {
            match self.events.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    /// Sends no more requests.
    pub(crate) fn complete(self) -> Self {
        Self { requests: mpsc::channel(1).0, events: self.events }
    }
}

pub(crate) fn result(event: Event) -> String {
    match event {
        Event::Result(json) => String::from_utf8(json.to_vec()).expect("JSON is UTF-8"),
        other => panic!("not a result: {other:?}"),
    }
}

pub(crate) fn error(event: Event) -> Error {
    match event {
        Event::Error(error) => error,
        other => panic!("not an error: {other:?}"),
    }
}

pub(crate) fn check_code(event: Event, code: ErrorCode) {
    let error = error(event);
    assert_eq!(error.code, u32::from(code.as_u16()), "{error:?}");
}
