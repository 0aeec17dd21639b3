//! Tails: what is told of each message, and what never is.

use crate::{Operator, process, token};
use auth::Role;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Http, Session, Socket, Tools, audited, until};

const CANARY: &str = "canary-7f3a";

/// A stream of messages.
fn tail(operator: &Operator, session: &Session, query: &str) -> Http {
    let mut http = Http::over(Socket::connect(operator.gateway.admin), "");
    http.bytes((operator.head("GET", &(path(session) + query)) + "\r\n").as_bytes());
    let head = http.socket().head();
    assert_eq!((head.status, head.header("Content-Type")), (200, Some("text/event-stream")), "{head:?}");
    http
}

fn path(session: &Session) -> String {
    format!("/admin/v1/sessions/{}/tail", session.opened["session_id"].as_str().expect("an id"))
}

/// The next message.
fn next(tail: &mut Http) -> Value {
    let event = tail.event();
    assert_eq!(event.kind, "message", "{event:?}");
    assert!(!event.data.contains(CANARY), "{event:?}");
    event.json()
}

#[test]
fn each_message_is_told_and_what_is_in_it_is_not() {
    let gateway = process(|_| {});
    let _tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("echo");
    let mut session = Session::initialize(client, json!({}));
    let mut tail = tail(&Operator::local(&gateway), &session, "");
    let params = json!({"password": CANARY, CANARY: 1});
    session.request("one", "echo", &params);
    session.result("one");
    let (asked, answered) = (next(&mut tail), next(&mut tail));
    let size = params.to_string().len();
    for (line, direction, kind) in [(&asked, "in", "request"), (&answered, "out", "response")] {
        assert_eq!((&line["direction"], &line["type"]), (&json!(direction), &json!(kind)), "{line}");
        assert_eq!((&line["id"], &line["size"]), (&json!("\"one\""), &json!(size)), "{line}");
        assert_eq!((&line["method"], &line["keys"]), (&json!("echo"), &Value::Null), "{line}");
        assert!(line["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    }
    // A tool's arguments and result, an event's data, and what an error quotes.
    session.call("two", "echo", &json!({"secret": CANARY}));
    session.result("two");
    session.subscribe(&["leak"]);
    session.publish("leak", &json!({"secret": CANARY}));
    session.event();
    session.request("three", "tool.execute", &json!({"tool": CANARY}));
    session.text(&format!("{{\"{CANARY}"));
    let mut seen = Vec::new();
    while !seen.iter().any(|line: &Value| line["type"] == "malformed") {
        seen.push(next(&mut tail));
    }
    let is =
        |kind: &str, method: &str| seen.iter().any(|line| line["type"] == kind && line["method"] == method);
    assert!(is("request", "tool.execute") && is("response", "tool.execute"), "{seen:#?}");
    assert!(is("notification", "event") && is("request", "event.publish"), "{seen:#?}");
    let error = seen.iter().find(|line| line["type"] == "error").expect("an error was told");
    assert_eq!((&error["id"], &error["code"]), (&json!("\"three\""), &json!(4010)), "{error}");
}

#[test]
fn names_of_members_are_told_where_the_operator_asks_for_them() {
    let gateway = process(|_| {});
    let mut session = Session::open(&gateway);
    let mut tail = tail(&Operator::local(&gateway), &session, "?keys=true");
    session.ask("echo", &json!({"user": CANARY, "nested": {"password": CANARY}}));
    for _ in 0..2 {
        assert_eq!(next(&mut tail)["keys"], json!(["nested", "user"]));
    }
    session.request("list", "echo", &json!([CANARY]));
    assert_eq!(next(&mut tail)["keys"], Value::Null);
}

#[test]
fn a_tail_ends_with_the_connection_and_its_place_is_free_again() {
    let gateway = process(|config| config.admin.max_tails = 1);
    let operator = Operator::local(&gateway);
    let (mut one, two) = (Session::open(&gateway), Session::open(&gateway));
    let mut tail_of_one = tail(&operator, &one, "");
    let told = operator.refused("GET", &path(&two), 429);
    assert!(told.contains("admin.max_tails"), "{told}");
    assert_eq!(operator.get("/admin/v1/pod")["tails"], 1);
    one.ask("echo", &json!(1));
    next(&mut tail_of_one);
    next(&mut tail_of_one);
    one.request("end", "session.close", &json!({}));
    let last = loop {
        let event = tail_of_one.event();
        if event.kind == "end" {
            break event;
        }
    };
    assert!(last.data.contains("has ended"), "{last:?}");
    tail_of_one.stream_ended();
    until("the place", || (operator.get("/admin/v1/pod")["tails"] == 0).then_some(()));
    let mut tail_of_two = tail(&operator, &two, "");
    // One that is watched is not watched twice, until the first has gone.
    drop(two);
    assert_eq!(tail_of_two.event().kind, "end");
}

#[test]
fn one_session_has_one_tail() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    let mut session = Session::open(&gateway);
    let first = tail(&operator, &session, "");
    operator.refused("GET", &path(&session), 409);
    drop(first);
    // The gateway learns that it is gone by what it can't tell it any more.
    let mut second = until("the place", || {
        session.check_alive();
        let mut http = Http::over(Socket::connect(operator.gateway.admin), "");
        http.bytes((operator.head("GET", &path(&session)) + "\r\n").as_bytes());
        (http.socket().head().status == 200).then_some(http)
    });
    session.ask("echo", &json!(1));
    next(&mut second);
}

#[test]
fn an_operator_who_reads_slowly_is_told_how_much_was_left_out() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    let mut session = Session::open(&gateway);
    let mut socket = Socket::connect_narrow(gateway.admin);
    socket.send((operator.head("GET", &path(&session)) + "\r\n").as_bytes());
    assert_eq!(socket.head().status, 200);
    // More than the queue and what the kernel takes.
    let messages: Vec<Value> =
        (0..50).map(|id| json!({"id": id, "type": 0, "method": "echo", "params": {}})).collect();
    for _ in 0..600 {
        session.json(&Value::Array(messages.clone()));
        for _ in 0..messages.len() {
            session.message();
        }
    }
    session.check_alive();
    let mut http = Http::over(socket, "");
    let mut told = 0;
    let dropped = loop {
        let line = next(&mut http);
        told += 1;
        if let Some(dropped) = line["dropped"].as_u64() {
            break dropped;
        }
        if told % 100 == 0 {
            session.check_alive();
        }
    };
    assert!(dropped > 0, "{told}");
}

#[test]
fn a_tail_is_audited_and_ends_with_its_operators_token() {
    let (operates, mut operator) = token("ann", Role::Operate);
    let (reads, reader) = token("eve", Role::Read);
    let folder = tempfile::TempDir::new().expect("a folder");
    let (audit, hashes) = (folder.path().join("audit.log"), folder.path().join("tokens"));
    std::fs::write(&hashes, operator.token_hash.take().expect("it has one")).expect("the folder is ours");
    operator.token_file = Some(hashes.clone());
    let gateway = process(|config| {
        config.admin.tokens = vec![operator, reader];
        config.audit.file = Some(audit.clone());
    });
    let session = Session::open(&gateway);
    Operator::with(&gateway, &reads).refused("GET", &path(&session), 403);
    let mut watched = tail(&Operator::with(&gateway, &operates), &session, "");
    let line = until("the line", || audited(&audit).into_iter().find(|line| line["event"] == "tail"));
    assert_eq!(
        (&line["operator"], &line["session"]),
        (&json!("ann"), &session.opened["session_id"]),
        "{line}"
    );
    std::fs::write(&hashes, "").expect("the folder is ours");
    let began = std::time::Instant::now();
    let last = watched.event();
    assert!(last.kind == "end" && last.data.contains("token"), "{last:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}
