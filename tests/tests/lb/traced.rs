//! One call from a client through a load balancer and a gateway to a backend and back, as one trace.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use client::{Client, Request};
use gateway::config::StoreKind;
use serde_json::json;
use tests::{Collector, Process, Redis, Span, installed};

use crate::balancer::{Balancer, Program, Target};

/// The client's own trace, and the span of it that asks.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
/// What nobody may find in a span.
const UNSAID: &str = "neither-a-param-nor-a-result";

/// The Python backend, with a folder for what is generated for it. Dropped, it is killed.
struct Words {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Words {
    fn start(gateway: &Process, collector: &Collector) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let interpreter = installed(env!("CARGO_TARGET_TMPDIR"), "venv/bin/python");
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let generated = Command::new(&interpreter)
            .current_dir(folder.path())
            .args(["-m", "grpc_tools.protoc", "--python_out=.", "--grpc_python_out=.", "-I"])
            .args([proto(&root, ""), proto(&root, "mcpw/v1/backend.proto")])
            .status();
        assert!(generated.expect("it can be started").success());
        let backend = Command::new(&interpreter)
            .env_clear()
            .env("PYTHONPATH", folder.path())
            .env("MCPW_GRPC", format!("http://{}", gateway.grpc))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http())
            .arg(root.join("examples/backend-python/backend.py"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Self { child: backend.expect("it can be started"), _folder: folder }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn proto(root: &Path, file: &str) -> PathBuf {
    root.join("proto").join(file)
}

#[test]
fn a_call_through_haproxy_and_a_gateway_to_a_backend_is_one_trace() {
    let (collector, redis) = (Collector::start(env!("CARGO_TARGET_TMPDIR")), Redis::start());
    let endpoint = collector.grpc();
    let gateway = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
        (config.traces.endpoint, config.traces.ratio) = (Some(endpoint), 1.0);
        config.store.kind = StoreKind::Redis;
        config.store.redis.addresses = vec![redis.address()];
    });
    let _words = Words::start(&gateway, &collector);
    let target = Target { clients: gateway.clients, admin: gateway.admin };
    let balancer = Balancer::start(Program::HAProxy, [target; 2]);
    let mut known = gateway.connect();
    known.await_tool("words.stream");
    let opened = known.ask("initialize", &json!({}));
    let resume_token = opened["resume_token"].as_str().expect("the session can be resumed");

    let token = gateway.keys.token();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let url = format!("ws://{}/ws", balancer.address());
        let client = Client::builder(url).token(token.clone()).connect().await.expect("it connects");
        let params = json!({"tool": "words.stream", "args": {"text": UNSAID}});
        let request = Request::new("tool.execute", params).expect("it is JSON");
        let request = request.traceparent(format!("00-{TRACE}-{SPAN}-01"));
        let call = client.start(request).await.expect("it is sent");
        let result = call.result().await.expect("it is answered");
        assert_eq!(result.to_string(), r#"{"words": 1}"#);
        client.close().await;
    });

    let ours = |name: &str| collector.await_span(name, |span| span.name == name && span.trace == TRACE);
    let message = ours("tool.execute words.stream");
    let call = ours("mcpw.v1.Backend/Calls");
    let backend = ours("words.stream");
    let (begin, finish) = (ours("journal.begin"), ours("journal.finish"));
    let script = |name: &str| {
        let is_meant =
            |span: &Span| span.trace == TRACE && span.attribute("db.stored_procedure.name") == Some(name);
        collector.await_span(&format!("of the script {name}"), is_meant)
    };
    let tree = [
        (&message, "SERVER", "mcpw", SPAN),
        (&begin, "INTERNAL", "mcpw", &*message.id),
        (&script("begin"), "CLIENT", "mcpw", &*begin.id),
        (&ours("route"), "INTERNAL", "mcpw", &*message.id),
        (&call, "CLIENT", "mcpw", &*message.id),
        (&backend, "SERVER", "words", &*call.id),
        (&finish, "INTERNAL", "mcpw", &*message.id),
        (&script("finish"), "CLIENT", "mcpw", &*finish.id),
    ];
    for (span, kind, service, parent) in tree {
        let found = (&*span.kind, &*span.service, &*span.parent, span.failed);
        assert_eq!(found, (kind, service, parent, false), "{span:?}");
    }
    let all = collector.spans();
    let in_it: Vec<_> = all.iter().filter(|span| span.trace == TRACE).collect();
    assert_eq!(in_it.len(), tree.len(), "{in_it:#?}");
    // Its answer is on its way when a backend is not done yet.
    assert!(call.time.0 <= backend.time.0 && backend.time.0 <= call.time.1, "{call:?} {backend:?}");
    for (name, value) in [("db.system.name", "redis"), ("db.operation.name", "EVALSHA")] {
        assert_eq!(script("begin").attribute(name), Some(value));
    }
    assert_eq!(call.attribute("rpc.system"), Some("grpc"));
    assert_eq!(call.attribute("server.address"), Some("127.0.0.1"));
    let is_its = |span: &Span| span.name == "websocket" && span.links == [TRACE];
    collector.await_span("of the connection, which names the trace", is_its);

    let text = collector.text();
    for unsaid in [&*token, UNSAID, gateway.keys.secret(), resume_token, "\"words\""] {
        assert!(!text.contains(unsaid), "{unsaid} is in {text}");
    }
}
