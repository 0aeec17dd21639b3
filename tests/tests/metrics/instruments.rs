//! The instruments, each by what it is there to tell, and the texts that they are shown in.

use crate::process;
use auth::Claims;
use backend::{Backend, Failure, Tool};
use serde_json::{Value, json};
use tests::{Client, Counter, Gateway, Http, Session, Socket, Tools, until};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// A backend of tools that answer at once, and one that fails as a broken replica does.
fn backend(tools: &[&str]) -> Backend {
    let answering = |name: &&str| {
        Tool::new(*name, async |_: backend::Call, _: Value| Ok(backend::Json(json!({ "done": true }))))
    };
    let broken = Tool::new("broken", async |_: backend::Call, _: Value| {
        Err::<backend::Json<Value>, _>(Failure::internal("it is broken"))
    });
    tools.iter().map(answering).fold(Backend::new("made").tool(broken), Backend::tool)
}

/// One shard, which all connections find at the same tools.
fn one_shard() -> Gateway {
    Gateway::with(|config| config.runtime.shards = 1)
}

fn ended(tool: &str, outcome: &str) -> String {
    format!("tool_calls_total{{tool=\"{tool}\",outcome=\"{outcome}\"}}")
}

#[test]
fn calls_of_tools_are_counted_by_tool_and_outcome() {
    let (gateway, counter) = (one_shard(), Counter::new());
    let _tools = [Tools::serve(counter.backend(), &gateway), Tools::serve(backend(&[]), &gateway)];
    let mut client = gateway.connect();
    client.await_tool("broken");
    client.await_tool("count.once");
    client.ask("tool.execute", &json!({"tool": "count.once", "args": {"key": "a"}}));
    client.ask_wrong("tool.execute", &json!({"tool": "broken", "args": {}}), 4003);
    client.ask_wrong("tool.execute", &json!({"tool": "count.none"}), 4010);
    let held = json!({"tool": "count.once", "args": {"key": "b", "held": true}});
    client.request("held", "tool.execute", &held);
    counter.await_executed("b", 1);
    client.request("held", "tool.execute", &held);
    client.error(&json!("held"), 4005);
    client.request("stop", "tool.cancel", &json!({"id": "held"}));
    client.error(&json!("held"), 4008);
    client.result("stop");
    client.ask_wrong(
        "tool.execute",
        &json!({"tool": "count.once", "args": {"key": "c", "held": true}, "timeout_ms": 20}),
        4007,
    );
    // What goes with its connection is cancelled.
    let mut other = gateway.connect();
    other.request("gone", "tool.execute", &json!({"tool": "count.once", "args": {"key": "d", "held": true}}));
    counter.await_executed("d", 1);
    drop(other);
    let nobody = gateway.keys.mint(&Claims::new("tenant", "agent"));
    let rest = Http::with_token(&gateway, &nobody)
        .post("/tools/count.again/execute", &json!({"arguments": {"key": "e"}}));
    assert_eq!(rest.status, 200);
    for (tool, outcome, count) in [
        ("count.once", "ok", 1.0),
        ("count.again", "ok", 1.0),
        ("broken", "error", 1.0),
        ("other", "not_found", 1.0),
        ("count.once", "refused", 1.0),
        ("count.once", "cancelled", 2.0),
        ("count.once", "deadline", 1.0),
    ] {
        gateway.await_count(&ended(tool, outcome), count);
    }
    let metrics = gateway.metrics();
    assert_eq!(metrics.value("tool_call_duration_seconds_count{tool=\"count.once\"}"), 4.0);
    assert_eq!(metrics.value("backend_call_duration_seconds_count"), 6.0);
    assert!(metrics.value("tool_call_duration_seconds_sum{tool=\"count.once\"}") >= 0.02);
    assert_eq!(metrics.count("tool_call_duration_seconds_count{tool=\"other\"}"), 0.0);
}

#[test]
fn tools_over_the_bound_are_counted_together() {
    let gateway = Gateway::with(|config| config.metrics.max_tools = 2);
    let _tools = Tools::serve(backend(&["made.a", "made.b"]), &gateway);
    let mut client = gateway.connect();
    client.await_tool("made.b");
    for tool in ["broken", "made.a", "made.b"] {
        client.request(tool, "tool.execute", &json!({"tool": tool, "args": {}}));
        client.message();
    }
    // Tools are known in the order of their names.
    for (tool, outcome) in [("broken", "error"), ("made.a", "ok"), ("other", "ok")] {
        gateway.await_count(&ended(tool, outcome), 1.0);
    }
    assert_eq!(gateway.metrics().count(&ended("made.b", "ok")), 0.0);
    let names = gateway.metrics();
    let of_tools =
        names.names().into_iter().filter(|name| name.starts_with("tool_call_duration_seconds_count"));
    assert_eq!(of_tools.count(), 3, "two, and the others");
}

#[test]
fn backends_over_the_bound_are_counted_together() {
    let gateway = Gateway::with(|config| config.metrics.max_backends = 1);
    let first = Tools::serve(backend(&[]), &gateway);
    gateway.await_metric("backend_replicas{backend=\"made\",state=\"up\"}", 1.0);
    let _second = Tools::serve(Counter::new().backend(), &gateway);
    gateway.await_metric("backend_replicas{backend=\"other\",state=\"up\"}", 1.0);
    assert_eq!(gateway.metrics().sum("backend_replicas"), 2.0);
    drop(first);
    gateway.await_metric("backend_replicas{backend=\"made\",state=\"up\"}", 0.0);
    gateway.await_replicas(1.0);
}

#[test]
fn ejections_are_counted_and_a_replica_is_shown_as_ejected() {
    let gateway = Gateway::with(|config| {
        config.router.eject_for_ms = 600_000;
        config.router.eject_for_max_ms = 600_000;
    });
    let _tools = Tools::serve(backend(&[]), &gateway);
    let mut client = gateway.connect();
    client.await_tool("broken");
    gateway.await_metric("backend_replicas{backend=\"made\",state=\"up\"}", 1.0);
    for _ in 0..gateway::Config::default().router.eject_after {
        client.ask_wrong("tool.execute", &json!({"tool": "broken", "args": {}}), 4003);
    }
    gateway.await_metric("backend_ejections_total{backend=\"made\"}", 1.0);
    let metrics = gateway.metrics();
    assert_eq!(metrics.value("backend_replicas{backend=\"made\",state=\"ejected\"}"), 1.0);
    assert_eq!(metrics.sum("backend_replicas"), 1.0);
}

/// The lines of a scrape in OpenMetrics that name a trace.
fn exemplars(gateway: &Gateway) -> Vec<String> {
    let scrape = gateway.admin_with("/metrics", "Accept: application/openmetrics-text\r\n").text();
    assert!(scrape.ends_with("\n# EOF\n"), "{scrape}");
    scrape.lines().filter(|line| line.contains(" # {trace_id=")).map(str::to_owned).collect()
}

#[test]
fn a_bucket_names_the_trace_of_a_sampled_call() {
    let gateway = one_shard();
    let _tools = Tools::serve(backend(&["made.a"]), &gateway);
    let mut plain = gateway.connect();
    plain.await_tool("made.a");
    let call = |client: &mut Client, traceparent: &str| {
        client.json(&json!({
            "id": "a", "type": 0, "method": "tool.execute", "params": {"tool": "made.a", "args": {}},
            "meta": {"traceparent": traceparent},
        }));
        client.result("a");
    };
    call(&mut plain, UNSAMPLED);
    call(&mut Session::open(&gateway), UNSAMPLED);
    gateway.await_metric("backend_call_duration_seconds_count", 2.0);
    assert_eq!(exemplars(&gateway), Vec::<String>::new());
    // A call that ends with its connection, one of a session, and one over REST.
    for (at, trace) in ["2", "3", "4"].into_iter().enumerate() {
        let traceparent = SAMPLED.replacen("0af", &format!("{trace}af"), 1);
        match at {
            0 => call(&mut plain, &traceparent),
            1 => call(&mut Session::open(&gateway), &traceparent),
            _ => {
                let mut http = Http::knowing(&gateway, "made.a");
                let headers = [("traceparent", &*traceparent)];
                assert_eq!(http.ask("POST", "/tools/made.a/execute", &headers, Some("{}")).status, 200);
            }
        }
        until("the call to be told of", || {
            let named = format!("# {{trace_id=\"{trace}af7651916cd43dd8448eb211c80319c\"}} ");
            exemplars(&gateway).iter().any(|line| line.contains(&named)).then_some(())
        });
    }
    for line in exemplars(&gateway) {
        assert!(line.starts_with("backend_call_duration_seconds_bucket{le=\""), "{line}");
        let (bucket, exemplar) = line.split_once(" # ").expect("an exemplar");
        let bound = bucket.split('"').nth(1).expect("a bound");
        let seconds: f64 = exemplar.split(' ').nth(1).and_then(|value| value.parse().ok()).expect("a value");
        assert!(bound == "+Inf" || seconds <= bound.parse::<f64>().expect("a bound"), "{line}");
    }
    let text = gateway.admin("/metrics").text();
    assert!(!text.contains("trace_id"), "the other text has no exemplars");
}

#[test]
fn the_text_is_the_one_that_the_scraper_likes_better() {
    let gateway = Gateway::start();
    let (text, open) = (
        "text/plain; version=0.0.4; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    for (accept, kind) in [
        ("", text),
        ("Accept: */*\r\n", text),
        ("Accept: application/openmetrics-text;q=0.3, text/plain;q=0.4\r\n", text),
        ("Accept: application/openmetrics-text;q=0.4\r\nAccept: text/plain;q=0.3\r\n", open),
        ("Accept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1\r\n", open),
    ] {
        let response = gateway.admin_with("/metrics", accept);
        assert_eq!(response.header("content-type"), Some(kind), "{accept}");
        let counter = if kind == text { "websocket_connections_total" } else { "websocket_connections" };
        assert!(response.text().contains(&format!("# TYPE {counter} counter\n")), "{accept}");
        assert_eq!(response.text().ends_with("# EOF\n"), kind == open, "{accept}");
    }
}

#[test]
fn the_process_and_its_threads_are_told_of() {
    let gateway = process(|config| config.runtime.shards = 2);
    let metrics = gateway.metrics();
    assert_eq!(
        metrics.value(&format!("gateway_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))),
        1.0
    );
    let now = std::time::UNIX_EPOCH.elapsed().expect("it is after 1970").as_secs_f64();
    let started = metrics.value("process_start_time_seconds");
    assert!((now - 60.0..now + 2.0).contains(&started), "{started} at {now}");
    assert!(metrics.value("process_resident_memory_bytes") > 1e6);
    let open = metrics.value("process_open_fds");
    assert!(open > 5.0 && open < metrics.value("process_max_fds"), "{open}");
    let clients: Vec<_> = (0..20).map(|_| gateway.connect()).collect();
    assert!(gateway.metrics().value("process_open_fds") >= open + 20.0);
    drop(clients);
    // Both shards work, since the kernel spreads connections over them, and what they work is the process'.
    until("both shards to have been busy", || {
        for _ in 0..20 {
            let mut client = gateway.connect();
            (0..20).for_each(|_| client.check_alive());
        }
        let metrics = gateway.metrics();
        let busy =
            [0, 1].map(|shard| metrics.value(&format!("shard_busy_seconds_total{{shard=\"{shard}\"}}")));
        assert!(busy[0] + busy[1] <= metrics.value("process_cpu_seconds_total") + 0.05, "{busy:?}");
        busy.iter().all(|busy| *busy > 0.0).then_some(())
    });
}

#[test]
fn handshakes_are_timed_from_the_accepted_socket() {
    let gateway = Gateway::start();
    let mut socket = gateway.open();
    let request = gateway.upgrade().bytes();
    socket.send(&request[..20]);
    // How long the request takes is what is measured. A busy machine accepts late.
    std::thread::sleep(std::time::Duration::from_millis(300));
    socket.send(&request[20..]);
    assert_eq!(socket.response().status, 101);
    gateway.await_metric("websocket_handshake_duration_seconds_count", 1.0);
    assert!(gateway.metrics().value("websocket_handshake_duration_seconds_sum") >= 0.1);
    assert_eq!(gateway.ask(&gateway.upgrade().line("GET /nowhere HTTP/1.1")).status, 404);
    assert_eq!(gateway.metrics().value("websocket_handshake_duration_seconds_count"), 1.0);
}

#[test]
fn a_reader_that_is_slow_is_counted_and_so_is_its_lag() {
    let gateway = Gateway::with(|config| {
        config.websocket.write_timeout_ms = 60_000;
        config.store.bounds.log_events = 100_000;
        config.store.bounds.log_bytes = 1 << 30;
    });
    let mut socket = Socket::connect_narrow(gateway.clients);
    socket.send(&gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1").bytes());
    let response = socket.response();
    let mut slow = Session::initialize(Client::new(socket, response), json!({}));
    slow.subscribe(&["a"]);
    let mut publisher = Session::open(&gateway);
    assert_eq!(gateway.metrics().value("slow_readers"), 0.0);
    let (padding, mut published) = ("x".repeat(60_000), 0);
    until("the reader to be slow and behind", || {
        publisher.publish("a", &json!(padding));
        published += 1;
        let metrics = gateway.metrics();
        (metrics.value("slow_readers") == 1.0 && metrics.value("event_log_lag") >= 3.0).then_some(())
    });
    assert!(gateway.metrics().value("event_log_lag") <= f64::from(published));
    for _ in 0..published {
        slow.event();
    }
    gateway.await_metric("slow_readers", 0.0);
    gateway.await_metric("event_log_lag", 0.0);
}

#[test]
fn a_drain_is_told_of_from_its_delay_to_its_last_connection() {
    let mut gateway = Gateway::with(|config| {
        config.drain.delay_ms = 1_000;
        config.drain.rate = 2;
        config.runtime.shards = 1;
        config.drain.timeout_ms = 60_000;
    });
    let counter = Counter::new();
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut client = gateway.connect();
    client.await_tool("count.once");
    let _others = [gateway.connect(), gateway.connect()];
    client.request(
        "held",
        "tool.execute",
        &json!({"tool": "count.once", "args": {"key": "k", "held": true}}),
    );
    counter.await_executed("k", 1);
    let metrics = gateway.metrics();
    assert_eq!((metrics.value("drain_state"), metrics.value("drain_connections_remaining")), (0.0, 0.0));
    gateway.drain();
    gateway.await_metric("drain_state", 1.0);
    assert_eq!(gateway.metrics().value("drain_connections_remaining"), 3.0);
    gateway.await_metric("drain_state", 2.0);
    gateway.await_metric("drain_state", 3.0);
    // The others were closed, and their clients never said that they have seen it.
    assert!(gateway.metrics().value("drain_connections_remaining") >= 1.0);
    counter.let_go();
    drop((client, _others));
    gateway.await_end();
}
