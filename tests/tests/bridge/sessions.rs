//! Servers with a child for each session, whose clients or gateways go: who keeps what, until when.

use crate::harness::{Bridge, below, runs};
use bridge::{Per, Server};
use client::{Client, State};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tests::{Endpoints, Gateway, Http, PATIENCE, Pods, Process, until, until_within};

const SECOND: Duration = Duration::from_secs(1);

/// A server whose one tool writes down that it was called, waits for the file `go`, and says which process it is.
const SERVER: &str = r#"
import json, os, sys, time
folder = sys.argv[1]
for line in sys.stdin:
    asked = json.loads(line)
    method, result = asked.get("method"), {}
    if method == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "slow", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "slow", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        with open(os.path.join(folder, "called"), "a") as called:
            called.write("x")
        while not os.path.exists(os.path.join(folder, "go")):
            time.sleep(0.01)
        result = {"content": [], "structuredContent": {"process": os.getpid()}}
    elif method == "server/discover":
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

/// A bridge with a child of that server for each session.
struct Slow {
    bridge: Bridge,
    folder: TempDir,
}

impl Slow {
    fn at(gateways: &[&Endpoints]) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let path = folder.path().to_str().expect("it is text").to_owned();
        let command = ["python3".to_owned(), "-c".to_owned(), SERVER.to_owned(), path];
        let bridge = Bridge::start(bridge::Settings {
            registry: gateways.iter().map(|gateway| format!("http://{}", gateway.grpc)).collect(),
            servers: vec![Server {
                name: "slow".into(),
                command: command.to_vec(),
                per: Per::Session,
                ..Default::default()
            }],
            ..Default::default()
        });
        Self { bridge, folder }
    }

    fn called(&self) -> usize {
        std::fs::read(self.folder.path().join("called")).map_or(0, |called| called.len())
    }

    fn let_go(&self) {
        std::fs::write(self.folder.path().join("go"), "").expect("the folder is ours");
    }
}

/// A client of these gateways, once the tool is there.
async fn client(gateways: &[&Endpoints]) -> client::mcp::Client {
    let url = |gateway: &Endpoints| format!("ws://{}/mcp", gateway.clients);
    let first = Client::builder(url(gateways[0])).token(gateways[0].keys.token());
    let builder = gateways[1..].iter().fold(first, |builder, gateway| builder.endpoint(url(gateway)));
    let client = builder.mcp().connect().await.expect("a session");
    for gateway in gateways {
        gateway.connect().await_tool("slow");
    }
    // Its own shard may hear of the tool later than another.
    let listed = async {
        while !client.request("tools/list", json!({})).await.expect("a list").get().contains("\"slow\"") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, listed).await.expect("the tool is listed");
    client
}

async fn call(client: &client::mcp::Client) -> u32 {
    let call = client.request("tools/call", json!({"name": "slow", "arguments": {}}));
    process(&call.await.expect("a result"))
}

/// Which process has answered.
fn process(result: &serde_json::value::RawValue) -> u32 {
    let result: Value = serde_json::from_str(result.get()).expect("it is JSON");
    let id = result["structuredContent"]["process"].as_u64().and_then(|id| u32::try_from(id).ok());
    id.unwrap_or_else(|| panic!("{result}"))
}

async fn resumed(client: &client::mcp::Client) {
    let mut states = client.states();
    let resumed = async {
        while !matches!(states.next().await.expect("a state"), State::Connected { resumed: true, .. }) {}
    };
    tokio::time::timeout(PATIENCE, resumed).await.expect("it resumes");
}

fn pod(pods: &Pods) -> Process {
    pods.process(env!("CARGO_BIN_EXE_mcpw-under-test"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_ends_its_child_within_a_second() {
    let gateway = Gateway::start();
    let slow = Slow::at(&[&gateway]);
    slow.let_go();
    let (one, other) = (client(&[&gateway]).await, client(&[&gateway]).await);
    let (own, others) = (call(&one).await, call(&other).await);
    one.close().await;
    until_within(SECOND, "the end of its child", || (!runs(own)).then_some(()));
    assert_eq!(call(&other).await, others, "the other session still has its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_a_session_share_a_child_that_stays() {
    let gateway = Gateway::start();
    let slow = Slow::at(&[&gateway]);
    let other = client(&[&gateway]).await;
    let mut http = Http::knowing(&gateway, "slow");
    let mut ask =
        move || http.post("/tools/slow/execute", &json!({"arguments": {}})).json()["result"].clone();
    let asking = std::thread::spawn(move || (ask(), ask()));
    until("the call of the child", || (slow.called() == 1).then_some(()));
    let before = below(slow.bridge.id()).len();
    let _running =
        other.call("tools/call", json!({"name": "slow", "arguments": {}})).await.expect("it is sent");
    until("the call of the other's child", || (slow.called() == 2).then_some(()));
    other.close().await;
    // Then the bridge has asked which sessions have ended.
    until("the end of the other's child", || (below(slow.bridge.id()).len() == before).then_some(()));
    slow.let_go();
    let (first, second) = asking.join().expect("both are answered");
    assert!(first["structuredContent"]["process"].is_u64(), "{first}");
    assert_eq!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_come_back_keeps_its_child_for_the_resume_window() {
    let gateway = Gateway::with(|config| config.session.resume_window_ms = 1_000);
    let slow = Slow::at(&[&gateway]);
    slow.let_go();
    // Without its runtime nobody closes its connection but the system.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let endpoints = (*gateway).clone();
    let calling = runtime.spawn(async move {
        let client = client(&[&endpoints]).await;
        (call(&client).await, client)
    });
    let (own, client) = calling.await.expect("it is called");
    runtime.shutdown_background();
    drop(client);
    let lost = std::time::Instant::now();
    until("the end of its child", || (!runs(own)).then_some(()));
    let after = lost.elapsed();
    assert!((SECOND..SECOND * 3).contains(&after), "after {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_with_its_sessions_takes_their_children_with_it() {
    let gateway = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |_| {});
    let slow = Slow::at(&[&gateway]);
    slow.let_go();
    let (client, other) = (client(&[&gateway]).await, client(&[&gateway]).await);
    let (own, others) = (call(&client).await, call(&other).await);
    // Then the bridge has asked for both.
    other.close().await;
    until("the end of the other's child", || (!runs(others)).then_some(()));
    assert!(runs(own));
    gateway.end();
    until_within(SECOND, "the end of its child", || (!runs(own)).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_child_survives_its_gateway_and_is_made_once_and_the_child_goes_with_its_session() {
    let pods = Pods::new();
    let (doomed, other) = (pod(&pods), pod(&pods));
    let slow = Slow::at(&[&doomed, &other]);
    let client = client(&[&doomed, &other]).await;
    let running =
        client.call("tools/call", json!({"name": "slow", "arguments": {}})).await.expect("it is sent");
    until("the call of the child", || (slow.called() == 1).then_some(()));
    doomed.end();
    resumed(&client).await;
    slow.let_go();
    let own = process(&running.result().await.expect("a result"));
    assert_eq!(slow.called(), 1);
    assert_eq!(call(&client).await, own, "its session still has its child");
    client.close().await;
    until_within(SECOND, "the end of its child", || (!runs(own)).then_some(()));
    assert!(!below(slow.bridge.id()).is_empty(), "the one without a session stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_pod_was_killed_keeps_its_child_for_the_resume_window() {
    let pods = Pods::new();
    let doomed = pod(&pods);
    let other = pods.pod_with(|config| config.session.resume_window_ms = 1_000);
    let slow = Slow::at(&[&doomed, &other]);
    slow.let_go();
    let client = client(&[&doomed]).await;
    let own = call(&client).await;
    doomed.end();
    let lost = std::time::Instant::now();
    until("the end of its child", || (!runs(own)).then_some(()));
    let after = lost.elapsed();
    // The pod's lease, the window, and a second.
    assert!((SECOND..SECOND * 5).contains(&after), "after {after:?}");
    drop(client);
}
