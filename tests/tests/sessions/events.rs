//! Events: who gets which, in which order, and what becomes of them while nobody listens.

use auth::Claims;
use serde_json::json;
use std::time::Duration;
use tests::{Client, Counter, Endpoints, Gateway, Pods, Received, Session, Socket, Tools};

fn connect_as(gateway: &Endpoints, claims: &Claims) -> Client {
    let token = gateway.keys.mint(claims);
    let request = tests::Request::upgrade(gateway.clients)
        .with("Authorization", &format!("Bearer {token}"))
        .with("Sec-WebSocket-Protocol", "mcp.v1");
    gateway.accepted(&request)
}

#[test]
fn events_come_to_all_who_subscribed_in_the_order_of_the_log() {
    let gateway = Gateway::start();
    let mut subscribers: Vec<_> = (0..4).map(|_| Session::open(&gateway)).collect();
    for subscriber in &mut subscribers {
        let answer = subscriber.subscribe(&["order.*", "exact"]);
        assert_eq!(answer["subscriptions"], json!(["exact", "order.*"]));
        assert_eq!(answer["recovered"], true);
        assert_eq!(answer["log_epoch"].as_str().map(str::len), Some(16), "{answer}");
    }
    let mut publisher = Session::open(&gateway);
    let mut offsets = Vec::new();
    for n in 0..100 {
        offsets.push(publisher.publish("order.placed", &json!({ "n": n })));
        publisher.publish("other", &json!(null));
    }
    let last = publisher.publish("exact", &json!("end"));
    for subscriber in &mut subscribers {
        for (n, offset) in offsets.iter().enumerate() {
            assert_eq!(subscriber.event(), (*offset, "order.placed".to_owned(), json!({ "n": n })));
        }
        assert_eq!(subscriber.event(), (last, "exact".to_owned(), json!("end")));
        subscriber.check_alive();
    }
    gateway.await_metric("events_delivered_total", 404.0);
}

#[test]
fn cross_tenant() {
    let gateway = Gateway::start();
    let mut here = Session::open(&gateway);
    here.subscribe(&["*"]);
    let claims = Claims { scopes: vec!["*".to_owned()], ..Claims::new("other", "agent") };
    let mut other = Session::initialize(connect_as(&gateway, &claims), json!({}));
    other.subscribe(&["*"]);
    other.publish("secret", &json!("theirs"));
    assert_eq!(other.event().1, "secret");
    here.publish("own", &json!(1));
    assert_eq!(here.event().1, "own", "the first event here is the own one");
    here.check_alive();
}

#[test]
fn scope_missing() {
    let gateway = Gateway::start();
    let claims = Claims { scopes: vec!["other".to_owned()], ..Claims::new("tenant", "agent") };
    let mut client = connect_as(&gateway, &claims);
    let message = client.ask_wrong("event.publish", &json!({"name": "a"}), 4013);
    assert!(message.contains("event:publish"), "{message}");
}

#[test]
fn nobody_speaks_for_the_platform() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for name in ["tool.executed", "tool.failed", "backend.registered", "backend.lost"] {
        client.ask_wrong("event.publish", &json!({ "name": name }), 4013);
    }
    client.ask("event.publish", &json!({"name": "tool.mine"}));
}

#[test]
fn a_key_publishes_once() {
    let gateway = Gateway::start();
    let mut session = Session::open(&gateway);
    session.subscribe(&["*"]);
    let params = json!({"name": "a", "data": 1, "key": "k"});
    let first = session.ask("event.publish", &params);
    assert_eq!(session.event().0, first["offset"].as_u64().unwrap());
    assert_eq!(session.ask("event.publish", &params), first);
    session.publish("end", &json!(null));
    assert_eq!(session.event().1, "end", "nothing came between");
}

#[test]
fn unsubscribing_ends_what_was_subscribed_and_nothing_else() {
    let gateway = Gateway::start();
    let mut session = Session::open(&gateway);
    session.subscribe(&["a", "b"]);
    let answer = session.ask("event.unsubscribe", &json!({"names": ["a", "never"]}));
    assert_eq!(answer, json!({"subscriptions": ["b"]}));
    session.publish("a", &json!(1));
    session.publish("b", &json!(2));
    assert_eq!(session.event().1, "b");
    let answer = session.ask("event.unsubscribe", &json!({"names": ["b"]}));
    assert_eq!(answer, json!({"subscriptions": []}));
    session.publish("b", &json!(3));
    session.check_alive();
}

#[test]
fn subscriptions_are_bounded_and_told_by_what_is_wrong() {
    let gateway = Gateway::with(|config| config.events.max_subscriptions = 2);
    let mut client = gateway.connect();
    client.ask("event.subscribe", &json!({"names": ["a", "b"]}));
    client.ask("event.subscribe", &json!({"names": ["b", "a"]}));
    let message = client.ask_wrong("event.subscribe", &json!({"names": ["c"]}), 4005);
    assert!(message.contains("events.max_subscriptions is 2"), "{message}");
    for (params, told) in [
        (json!({}), "params.names is missing"),
        (json!({"names": "a"}), "params.names is"),
        (json!({"names": ["a*"]}), "\"a*\""),
        (json!({"names": [""]}), "1 to 128 bytes"),
        (json!({"names": ["a"], "last_offset": 1}), "stand together"),
    ] {
        let message = client.ask_wrong("event.subscribe", &params, 4005);
        assert!(message.contains(told), "{params}: {message}");
    }
    for (params, told) in [
        (json!({}), "params.name is missing"),
        (json!({"name": "a*"}), "params.name"),
        (json!({"name": "a", "key": ""}), "params.key"),
    ] {
        let message = client.ask_wrong("event.publish", &params, 4005);
        assert!(message.contains(told), "{params}: {message}");
    }
}

#[test]
fn an_event_over_the_bound_is_refused_and_one_at_it_is_not() {
    let gateway = Gateway::with(|config| config.store.bounds.event_bytes = 100);
    let mut client = gateway.connect();
    client.ask("event.publish", &json!({"name": "a", "data": "x".repeat(98)}));
    client.ask_wrong("event.publish", &json!({"name": "a", "data": "x".repeat(99)}), 4012);
}

#[test]
fn a_resume_replays_from_the_last_offset() {
    let gateway = Gateway::start();
    let mut first = Session::open(&gateway);
    let subscribed = first.subscribe(&["a"]);
    let mut publisher = Session::open(&gateway);
    publisher.publish("a", &json!(1));
    let (offset, ..) = first.event();
    let params = first.cut(json!({"log_epoch": subscribed["log_epoch"], "last_offset": offset}));
    for n in 2..200 {
        publisher.publish("a", &json!(n));
        publisher.publish("b", &json!(n));
    }
    let mut second = Session::initialize(gateway.connect(), params);
    assert_eq!(second.opened["recovered"], true);
    assert_eq!(second.opened["subscriptions"], json!(["a"]));
    assert_eq!(second.opened["last_offset"], offset);
    for n in 2..200 {
        assert_eq!(second.event().2, json!(n));
    }
    publisher.publish("a", &json!("live"));
    assert_eq!(second.event().2, json!("live"));
}

#[test]
fn a_gap_is_told_where_the_log_no_longer_reaches_back() {
    let gateway = Gateway::with(|config| config.store.bounds.log_events = 10);
    let mut first = Session::open(&gateway);
    let subscribed = first.subscribe(&["*"]);
    let params = first.cut(json!({
        "log_epoch": subscribed["log_epoch"],
        "last_offset": subscribed["last_offset"],
    }));
    let mut publisher = Session::open(&gateway);
    for n in 0..30 {
        publisher.publish("a", &json!(n));
    }
    let mut second = Session::initialize(gateway.connect(), params);
    assert_eq!((&second.opened["resumed"], &second.opened["recovered"]), (&json!(true), &json!(false)));
    assert_eq!(second.opened["last_offset"], 20);
    for n in 20..30 {
        assert_eq!(second.event().2, json!(n));
    }
    gateway.await_metric("session_resumes_total{outcome=\"gap\"}", 1.0);
}

#[test]
fn a_subscription_may_begin_in_the_past() {
    let gateway = Gateway::start();
    let mut session = Session::open(&gateway);
    let now = session.subscribe(&["none"]);
    for n in 0..5 {
        session.publish("a", &json!(n));
    }
    let mut late = Session::open(&gateway);
    let params = json!({"names": ["a"], "log_epoch": now["log_epoch"], "last_offset": now["last_offset"]});
    let answer = late.ask("event.subscribe", &params);
    assert_eq!(answer["recovered"], true);
    for n in 0..5 {
        assert_eq!(late.event().2, json!(n));
    }
    // Again it changes nothing; for another name, what the session has had already is not sent again, and that is said.
    assert_eq!(late.ask("event.subscribe", &params)["recovered"], true);
    let params = json!({"names": ["b"], "log_epoch": now["log_epoch"], "last_offset": now["last_offset"]});
    let answer = late.ask("event.subscribe", &params);
    assert_eq!((&answer["recovered"], &answer["last_offset"]), (&json!(false), &json!(5)));
}

#[test]
fn events_cross_pods() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let mut subscribers = [Session::open(&here), Session::open(&there)];
    for subscriber in &mut subscribers {
        subscriber.subscribe(&["a"]);
    }
    let mut publishers = [Session::open(&there), Session::open(&here)];
    for n in 0..50 {
        publishers[n % 2].publish("a", &json!(n));
    }
    for subscriber in &mut subscribers {
        for n in 0..50 {
            assert_eq!(subscriber.event().2, json!(n));
        }
    }
}

#[test]
fn tool_calls_are_told_to_their_tenant() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    session.subscribe(&["tool.*"]);
    session.call("a", "count.once", &json!({"key": "k"}));
    session.result("a");
    let (_, name, data) = session.event();
    assert_eq!(name, "tool.executed");
    assert_eq!((&data["tool"], &data["backend"]), (&json!("count.once"), &json!("counter")), "{data}");
    assert_eq!((&data["agent"], &data["request_id"]), (&json!("agent"), &json!("a")), "{data}");
    assert!(data["duration_ms"].is_number(), "{data}");
    session.call("b", "count.once", &json!({}));
    session.error(&json!("b"), 4005);
    let (_, name, data) = session.event();
    assert_eq!((&*name, &data["code"]), ("tool.failed", &json!(4005)), "{data}");
}

#[test]
fn backends_that_come_and_go_are_told_once_however_many_pods_there_are() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (here, there) = (pods.pod(), pods.pod());
    let mut subscribers = [Session::open(&here), Session::open(&there)];
    for subscriber in &mut subscribers {
        subscriber.subscribe(&["backend.*", "end"]);
    }
    let tools = Tools::serve(counter.backend(), &here);
    for subscriber in &mut subscribers {
        let (_, name, data) = subscriber.event();
        assert_eq!((&*name, &data["backend"]), ("backend.registered", &json!("counter")));
        assert_eq!(data["tools"], json!(["count.once", "count.again"]));
    }
    drop(tools);
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.event().1, "backend.lost");
    }
    subscribers[0].publish("end", &json!(null));
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.event().1, "end");
    }
}

#[test]
fn slow_reader_falls_back_to_the_event_log() {
    let gateway = Gateway::with(|config| {
        config.events.shard_log_bytes = 50_000;
        config.websocket.write_timeout_ms = 60_000;
        config.store.bounds.log_events = 100_000;
        config.store.bounds.log_bytes = 1 << 30;
    });
    let mut socket = Socket::connect_narrow(gateway.clients);
    let request = gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1");
    socket.send(&request.bytes());
    let response = socket.response();
    let mut slow = Session::initialize(Client::new(socket, response), json!({}));
    slow.subscribe(&["a"]);
    let mut publisher = Session::open(&gateway);
    let padding = "x".repeat(2_000);
    // More than all buffers between here and there hold.
    for n in 0..10_000 {
        publisher.publish("a", &json!([n, padding]));
    }
    for n in 0..10_000 {
        assert_eq!(slow.event().2[0], json!(n));
    }
    assert!(gateway.metrics().value("event_pages_total") > 0.0, "the log of the shard was enough");
    assert_eq!(gateway.metrics().value("event_gaps_total"), 0.0);
    assert_eq!(slow.receive(Duration::from_millis(1)), Received::Nothing);
}

#[test]
fn a_binary_client_gets_the_offset_in_the_header() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    client.packet(&tests::Packet::request(1, 6, br#"{"names":["a"]}"#));
    assert_eq!(client.reply().json()["subscriptions"], json!(["a"]));
    client.packet(&tests::Packet::request(2, 13, br#"{"name":"a","data":[1.50]}"#));
    let offset = client.reply().json()["offset"].as_u64().unwrap();
    let event = client.reply();
    assert_eq!((event.method, event.sequence_id), (19, offset));
    assert_eq!(event.payload, br#"{"name":"a","data":[1.50]}"#);
}

#[test]
fn a_backend_publishes_to_the_tenant_of_its_call() {
    let gateway = Gateway::start();
    let tool = backend::Tool::new("tell", |call: backend::Call, args: serde_json::Value| async move {
        let published = call.publish("backend.told", backend::Json(args)).await?;
        Ok(backend::Json(json!(published.offset)))
    });
    let _tools = Tools::serve(backend::Backend::new("teller").tool(tool), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("tell");
    session.subscribe(&["backend.told"]);
    session.call("a", "tell", &json!({"some": "thing"}));
    let (mut offset, mut heard) = (None, None);
    while offset.is_none() || heard.is_none() {
        let message = session.hear();
        if message["id"] == "a" {
            offset = message["result"].as_u64();
            assert!(offset.is_some(), "{message}");
        } else {
            assert_eq!(message["params"], json!({"name": "backend.told", "data": {"some": "thing"}}));
            heard = message["seq"].as_u64();
        }
    }
    assert_eq!(offset, heard);
}
