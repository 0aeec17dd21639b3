//! Connections: listed, filtered, page by page, and closed.

use crate::{Operator, client_of, process};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Session, Tools, until};

const LIST: &str = "/admin/v1/connections";

fn rows(list: &Value) -> &Vec<Value> {
    list["connections"].as_array().unwrap_or_else(|| panic!("no connections in {list}"))
}

#[test]
fn a_connection_is_shown_with_what_it_has_done() {
    let gateway = process(|_| {});
    let _tools = Tools::at(&gateway);
    let operator = Operator::local(&gateway);
    let mut client = client_of(&gateway, "acme", "ci");
    client.await_tool("sleep");
    let mut session = Session::initialize(client, json!({}));
    session.subscribe(&["order.*"]);
    session.call("slow", "sleep", &json!({"ms": 60_000}));
    let one = until("the call to be in flight", || {
        let list = operator.get(LIST);
        assert_eq!(list["cursor"], Value::Null);
        let one = rows(&list)[0].clone();
        (one["calls_in_flight"] == 1).then_some(one)
    });
    for (member, expected) in [
        ("address", json!("127.0.0.1")),
        ("tenant", json!("acme")),
        ("agent", json!("ci")),
        ("session", session.opened["session_id"].clone()),
        ("protocol", json!("mcp.v1")),
        ("tls", json!(false)),
        ("state", json!("open")),
        ("subscriptions", json!(1)),
        ("lag", json!(0)),
        ("unsent_bytes", json!(0)),
    ] {
        assert_eq!(one[member], expected, "{member} in {one}");
    }
    assert!(one["messages_received"].as_u64() >= Some(3), "{one}");
    assert!(one["bytes_received"].as_u64() > Some(100) && one["bytes_sent"].as_u64() > Some(100), "{one}");
    assert!(one["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{one}");
}

#[test]
fn lists_are_filtered() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    let _others = [("acme", "a"), ("acme", "b"), ("other", "a")]
        .map(|(tenant, agent)| Session::initialize(client_of(&gateway, tenant, agent), json!({})));
    let bare = client_of(&gateway, "bare", "a");
    until("all to be there", || (rows(&operator.get(LIST)).len() == 4).then_some(()));
    let id = rows(&operator.get(&format!("{LIST}?tenant=other")))[0]["session"].clone();
    let id = id.as_str().expect("an id");
    for (query, count) in [
        ("tenant=acme", 2),
        ("agent=a", 3),
        ("tenant=acme&agent=a", 1),
        ("tenant=ACME", 0),
        ("address=127.0.0.1", 4),
        ("address=%3A%3Affff%3A127.0.0.1", 4),
        ("address=192.0.2.1", 0),
        (&*format!("session={id}"), 1),
    ] {
        assert_eq!(rows(&operator.get(&format!("{LIST}?{query}"))).len(), count, "{query}");
    }
    let sessions = operator.get("/admin/v1/sessions?agent=a");
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(2), "a connection without one has none");
    drop(bare);
}

#[test]
fn each_connection_stands_on_one_page_whatever_its_length() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    // More than a shard looks at for one ask.
    let clients: Vec<_> = (0..1_150).map(|_| gateway.connect()).collect();
    gateway.await_metric("websocket_connections_active", clients.len() as f64);
    for limit in [1_000, 512, 511, 100] {
        let (mut seen, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let list = operator.get(&format!("{LIST}?limit={limit}{cursor}"));
            assert!(rows(&list).len() <= limit, "{limit}");
            for row in rows(&list) {
                assert!(seen.insert(row["id"].as_u64()), "{row} stands twice");
            }
            let Some(next) = list["cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), clients.len(), "{limit}");
    }
    let list = operator.get(&format!("{LIST}?limit=1"));
    assert_eq!(rows(&list).len(), 1);
    assert!(list["cursor"].is_string());
}

#[test]
fn queries_and_bodies_that_are_none_are_refused() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=",
        "cursor=x",
        "cursor=1",
        "cursor=1-",
        "cursor=-1-1",
        "cursor=99999999999999999999-1",
        "address=x",
        "session=1",
        "unknown=1",
        "tenant=a&tenant=b",
    ] {
        let told = operator.refused("GET", &format!("{LIST}?{query}"), 400);
        let name = query.split('=').next().unwrap_or_default();
        assert!(told.contains(name), "{query}: {told}");
    }
    // A place far behind the last is an end.
    assert_eq!(rows(&operator.get(&format!("{LIST}?cursor=7-0"))).len(), 0);
    assert_eq!(rows(&operator.get(&format!("{LIST}?cursor=0-18446744073709551615"))).len(), 0);
    for (method, path, status) in [
        ("DELETE", "/admin/v1/connections/x", 400),
        ("DELETE", "/admin/v1/connections/12345", 404),
        ("DELETE", "/admin/v1/connections", 405),
        ("GET", "/admin/v1/sessions/x", 400),
        ("GET", "/admin/v1/sessions/00000000-0000-0000-0000-000000000000", 404),
        ("DELETE", "/admin/v1/sessions/00000000-0000-0000-0000-000000000000", 404),
        ("GET", "/admin/v1/sessions/00000000-0000-0000-0000-000000000000/tail", 404),
        ("GET", "/admin/v1/sessions/00000000-0000-0000-0000-000000000000/tail?keys=all", 400),
        ("GET", "/admin/v2/pod", 404),
        ("PUT", "/admin/v1/pod", 405),
    ] {
        operator.refused(method, path, status);
    }
    let huge = format!("{{\"tenant\":\"{}\"}}", "x".repeat(1 << 20));
    for body in ["{", "[]", "\u{0}", &*huge] {
        let response = operator.send("POST", "/admin/v1/revoke", "", body);
        assert_eq!(response.status, 400, "{}", response.text());
    }
    gateway.connect().check_alive();
}

#[test]
fn a_closed_connection_is_told_so_and_its_session_goes_on() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    let mut session = Session::open(&gateway);
    let mut other = Session::open(&gateway);
    let id = session.opened["session_id"].as_str().expect("an id").to_owned();
    let one = rows(&operator.get(&format!("{LIST}?session={id}")))[0].clone();
    let number = one["id"].as_u64().expect("a number");
    let done = operator.ask("DELETE", &format!("{LIST}/{number}"));
    assert_eq!((done.status, done.json()), (200, json!({"closed": number, "session": id})));
    assert_eq!(session.await_close(1001), "an operator closed the connection");
    other.check_alive();
    let params = session.resume(json!({}));
    let resumed = Session::initialize(gateway.connect(), params);
    assert_eq!(resumed.opened["resumed"], true, "{}", resumed.opened);
    drop(session);
    until("the connection to be gone", || {
        (operator.ask("DELETE", &format!("{LIST}/{number}")).status == 404).then_some(())
    });
}

#[test]
fn backends_are_shown_with_where_they_come_from_and_how_they_are() {
    let gateway = process(|config| config.backends = vec!["http://127.0.0.1:9".to_owned()]);
    let operator = Operator::local(&gateway);
    let _tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    client.request("slow", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 60_000}}));
    let (list, here) = until("the call to be in flight", || {
        let list = operator.get("/admin/v1/backends");
        let all = list["backends"].as_array().expect("a list").clone();
        let here = all.iter().find(|one| one["source"] == "registered")?.clone();
        (here["calls_in_flight"] == 1 && here["state"] == "up").then_some((all, here))
    });
    assert_eq!(list.len(), 2, "{list:?}");
    assert!(here["tools"].as_array().is_some_and(|tools| tools.contains(&json!("sleep"))), "{here}");
    assert_eq!((&here["ejected_by"], &here["shards"]), (&json!(0), &json!(2)), "{here}");
    let gone = list.iter().find(|one| one["source"] == "configured").expect("it is listed");
    assert_eq!((&gone["state"], &gone["address"]), (&json!("down"), &json!("http://127.0.0.1:9")), "{gone}");
    let name = here["backend"].as_str().expect("a name");
    let one = operator.get(&format!("/admin/v1/backends?backend={name}"));
    assert_eq!(one["backends"].as_array().map(Vec::len), Some(1));
    let pod = operator.get("/admin/v1/pod");
    assert_eq!(
        (&pod["shards"], &pod["state"], &pod["store"]),
        (&json!(2), &json!("serving"), &json!("memory"))
    );
    assert_eq!((&pod["backends"], &pod["connections"]), (&json!(1), &json!(1)), "{pod}");
}
