//! The bridge, asked as a gateway asks it.

use futures_util::{StreamExt as _, stream};
use protocol::pb::backend_client::BackendClient;
use protocol::pb::call_event::Event;
use protocol::pb::{CallEvent, CallRequest, DescribeRequest, Description, Error, Identity};
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::Streaming;
use tonic::transport::Channel;

const FIXTURE: &str = env!("CARGO_BIN_EXE_mcp-fixture");
/// For anything that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server of the fixture.
pub(crate) fn fixture(name: &str, era: &str) -> bridge::Server {
    bridge::Server { name: name.into(), command: vec![FIXTURE.into(), era.into()], ..Default::default() }
}

/// A running bridge.
pub(crate) struct Bridge(bridge::Service);

impl Bridge {
    /// With these servers, and the defaults for the rest.
    pub(crate) async fn with(servers: impl IntoIterator<Item = bridge::Server>) -> Self {
        Self::start(bridge::Settings { servers: servers.into_iter().collect(), ..Default::default() }).await
    }

    pub(crate) async fn start(settings: bridge::Settings) -> Self {
        let supervisor = env!("CARGO_BIN_EXE_supervise-under-test").into();
        Self(bridge::Service::start(settings, supervisor).await.expect("the settings are right"))
    }

    pub(crate) async fn client(&self) -> Asker {
        let address = format!("http://{}", self.0.local_addr());
        let client = BackendClient::connect(address).await.expect("it listens");
        Asker { client, session: String::new() }
    }
}

/// Who asks a bridge.
pub(crate) struct Asker {
    client: BackendClient<Channel>,
    pub(crate) session: String,
}

/// How a call ended, and what came before.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) parts: Vec<String>,
    pub(crate) end: Result<String, Error>,
}

impl Asker {
    pub(crate) async fn describe(&mut self) -> Description {
        self.client.describe(DescribeRequest {}).await.expect("it describes itself").into_inner()
    }

    fn request(&self, method: &str, tool: &str, params: &str) -> CallRequest {
        let identity = Identity { tenant: "acme".into(), agent: "a".into(), scopes: vec!["*".into()] };
        CallRequest {
            call_id: 1,
            method: method.into(),
            tool: tool.into(),
            params: params.to_owned().into(),
            identity: Some(identity),
            session_id: self.session.clone(),
            timeout_ms: 60_000,
            ..CallRequest::default()
        }
    }

    /// Begins a call.
    pub(crate) async fn begin(&mut self, method: &str, tool: &str, params: &str) -> Streaming<CallEvent> {
        let request = self.request(method, tool, params);
        self.client.call(request).await.expect("the call is taken").into_inner()
    }

    /// Listens to this resource, from when this is ready.
    pub(crate) async fn listen(&mut self, uri: &str) -> Streaming<CallEvent> {
        let params = format!(r#"{{"notifications":{{"resourceSubscriptions":["{uri}"]}}}}"#);
        let mut events = self.begin("mcp.mcp.subscriptions/listen", "", &params).await;
        let acknowledged = part(&mut events).await;
        assert!(acknowledged.contains("acknowledged"), "{acknowledged}");
        events
    }

    /// Begins calls of these tools on one stream, as gateways do; each is known by the tool's name. The stream is
    /// lost once both halves are dropped.
    pub(crate) async fn begin_all(&mut self, tools: &[&str]) -> (Streaming<CallEvent>, oneshot::Sender<()>) {
        let requests: Vec<CallRequest> = (1..)
            .zip(tools)
            .map(|(call_id, tool)| CallRequest {
                call_id,
                idempotency_key: (*tool).into(),
                ..self.request("tools/call", tool, &params(tool, "{}", ""))
            })
            .collect();
        let (open, closed) = oneshot::channel();
        let requests = stream::iter(requests).chain(stream::pending()).take_until(closed);
        (self.client.calls(requests).await.expect("the calls are taken").into_inner(), open)
    }

    /// Calls, and waits for the end.
    pub(crate) async fn ask(&mut self, method: &str, tool: &str, params: &str) -> Ended {
        let events = self.begin(method, tool, params).await;
        tokio::time::timeout(PATIENCE, end(events)).await.expect("the call ends")
    }

    /// `tools/call` with these arguments, of a client that can be asked by elicitation.
    pub(crate) async fn call(&mut self, tool: &str, arguments: &str) -> Ended {
        self.ask("tools/call", tool, &params(tool, arguments, "")).await
    }
}

/// The params of `tools/call`, with more members.
pub(crate) fn params(tool: &str, arguments: &str, more: &str) -> String {
    format!(
        r#"{{"name":"{tool}","arguments":{arguments},"_meta":{{"progressToken":"mine","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{"elicitation":{{}}}}}}{more}}}"#
    )
}

/// Asks again and again until it is so.
pub(crate) async fn until(awaited: &str, mut is_so: impl FnMut() -> bool) {
    let asking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect(awaited);
}

/// The next part of what a call says.
pub(crate) async fn part(events: &mut Streaming<CallEvent>) -> String {
    let event = tokio::time::timeout(PATIENCE, events.message()).await.expect("it says more");
    match event.expect("the stream is whole").and_then(|event| event.event) {
        Some(Event::Partial(part)) => String::from_utf8(part.to_vec()).expect("it is text"),
        other => panic!("no part: {other:?}"),
    }
}

/// Reads a call to its end.
pub(crate) async fn end(mut events: Streaming<CallEvent>) -> Ended {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it is text");
    let mut parts = Vec::new();
    loop {
        let event = events.message().await.expect("the stream is whole").expect("an end comes").event;
        match event.expect("an event says something") {
            Event::Partial(part) => parts.push(text(&part)),
            Event::Progress(progress) => parts.push(format!("{:?}", progress.progress)),
            Event::Result(result) => return Ended { parts, end: Ok(text(&result)) },
            Event::Error(error) => return Ended { parts, end: Err(error) },
        }
    }
}
