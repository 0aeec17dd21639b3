//! Contexts, by WebSocket and by REST, side by side.

use serde_json::json;
use tests::{Client, Contexts, Gateway, Http, until};

use crate::stranger;

fn start() -> (Gateway, Contexts, Client, Http) {
    let gateway = Gateway::start();
    let backend = crate::contexts(&gateway);
    let (client, mut http) = (gateway.connect(), Http::open(&gateway));
    until("the contexts", || (http.get("/contexts").status == 200).then_some(()));
    (gateway, backend, client, http)
}

#[test]
fn what_one_writes_the_other_reads() {
    let (_gateway, _backend, mut client, mut http) = start();
    let made =
        http.post("/contexts", &json!({"content": {"a": 1, "b": {"c": 2}}, "metadata": {"kind": "note"}}));
    assert_eq!((made.status, made.header("ETag")), (201, Some("\"1\"")));
    let context = made.json();
    let id = context["id"].as_str().expect("an id");
    let path = format!("/contexts/{id}");
    assert_eq!(made.header("Location"), Some(&*format!("/api/v1{path}")));
    assert_eq!(client.ask("context.get", &json!({"id": id})), context);

    let known = http.ask("GET", &path, &[("If-None-Match", "\"1\"")], None);
    assert_eq!((known.status, known.header("ETag"), known.text()), (304, Some("\"1\""), String::new()));
    assert_eq!(http.ask("GET", &path, &[("If-None-Match", "\"7\", W/\"1\"")], None).status, 304);
    let other = http.ask("GET", &path, &[("If-None-Match", "\"2\"")], None);
    assert_eq!((other.status, other.json()), (200, context.clone()));

    let patch = json!({"a": null, "b": {"d": 3}}).to_string();
    let merge = ("Content-Type", "application/merge-patch+json");
    let patched = http.ask("PATCH", &path, &[merge, ("If-Match", "\"1\"")], Some(&patch));
    assert_eq!((patched.status, patched.header("ETag")), (200, Some("\"2\"")), "{}", patched.text());
    assert_eq!(patched.json()["content"], json!({"b": {"c": 2, "d": 3}}));
    assert_eq!(patched.json()["metadata"], json!({"kind": "note"}));

    // A version that has passed.
    client.ask_wrong("context.update", &json!({"id": id, "content": 1, "expected_version": 1}), 4011);
    for tag in ["\"1\"", "\"x\"", "W/\"2\"", "2"] {
        http.ask("PATCH", &path, &[merge, ("If-Match", tag)], Some(&patch)).problem(412, 4011);
        http.ask("PUT", &path, &[("If-Match", tag)], Some(r#"{"content":1}"#)).problem(412, 4011);
    }
    http.ask("PUT", &path, &[("If-Match", "\"2\", \"3\"")], Some(r#"{"content":1}"#)).problem(400, 4005);

    let replaced = http.ask("PUT", &path, &[("If-Match", "\"2\"")], Some(r#"{"content":"all of it"}"#));
    assert_eq!((replaced.status, replaced.header("ETag")), (200, Some("\"3\"")));
    let told = client.ask("context.get", &json!({"id": id}));
    assert_eq!((&told["content"], &told["metadata"]), (&json!("all of it"), &json!({})));
    assert_eq!(http.ask("PUT", &path, &[("If-Match", "*")], Some(r#"{"content":1}"#)).status, 200);
    assert_eq!(http.ask("PUT", &path, &[], Some(r#"{"content":2}"#)).status, 200);

    http.ask("DELETE", &path, &[("If-Match", "\"4\"")], None).problem(412, 4011);
    let deleted = http.ask("DELETE", &path, &[("If-Match", "\"5\"")], None);
    assert_eq!((deleted.status, deleted.text()), (204, String::new()));
    client.ask_wrong("context.get", &json!({"id": id}), 4010);
    http.get(&path).problem(404, 4010);
    http.ask("DELETE", &path, &[], None).problem(404, 4010);
}

#[test]
fn pages_and_matches_are_those_of_the_method() {
    let (_gateway, _backend, mut client, mut http) = start();
    let mut made = Vec::new();
    for n in 0..5 {
        let kind = if n % 2 == 0 { "even" } else { "odd" };
        let content = format!("the needle {n} is here");
        let context = client.ask("context.create", &json!({"content": content, "metadata": {"kind": kind}}));
        made.push(context["id"].as_str().expect("an id").to_owned());
    }
    let mut found: Vec<String> = Vec::new();
    let mut cursor = Some(String::new());
    while let Some(page) = cursor {
        let answer = http.get(&format!("/contexts?limit=2{page}")).json();
        // Rows that come while pages are turned.
        client.ask("context.create", &json!({"content": page}));
        let contexts = answer["contexts"].as_array().expect("a page");
        found.extend(contexts.iter().map(|context| context["id"].as_str().expect("an id").to_owned()));
        cursor = answer["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
    }
    made.reverse();
    assert_eq!(found, made, "each once, the newest first");
    let odd = http.get("/contexts?metadata=%7B%22kind%22%3A%22odd%22%7D&agent=agent").json();
    assert_eq!(odd, client.ask("context.list", &json!({"metadata": {"kind": "odd"}, "agent": "agent"})));
    assert_eq!(odd["contexts"].as_array().map(Vec::len), Some(2));
    let found = http.get("/contexts/search?q=needle+3").json();
    assert_eq!(found, client.ask("context.search", &json!({"query": "needle 3"})));
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1));
    let id = found["hits"][0]["id"].as_str().expect("an id");
    let within = http.get(&format!("/contexts/search?q=here&id={id}")).json();
    assert_eq!(within["hits"].as_array().map(Vec::len), Some(1));
    for wrong in
        ["/contexts/search", "/contexts?metadata=1", "/contexts?limit=x", "/contexts?limit=1&limit=2"]
    {
        http.get(wrong).problem(400, 4005);
    }
    http.get("/contexts?cursor=nothing").problem(400, 4005);
}

#[test]
fn another_tenant_sees_nothing() {
    let (gateway, _backend, _client, mut http) = start();
    let made = http.post("/contexts", &json!({"content": "ours"})).json();
    let path = format!("/contexts/{}", made["id"].as_str().expect("an id"));
    let mut other = Http::with_token(&gateway, &stranger(&gateway.keys));
    other.get(&path).problem(404, 4010);
    other.ask("PUT", &path, &[], Some(r#"{"content":1}"#)).problem(404, 4010);
    other.ask("DELETE", &path, &[], None).problem(404, 4010);
    assert_eq!(other.get("/contexts").json()["contexts"], json!([]));
    assert_eq!(other.get("/contexts/search?q=ours").json()["hits"], json!([]));
    assert_eq!(http.get(&path).json(), made);
}

#[test]
fn without_a_backend_there_are_none() {
    let gateway = Gateway::start();
    let mut http = Http::open(&gateway);
    for path in ["/contexts", "/contexts/a", "/contexts/search?q=a"] {
        let detail = http.get(path).problem(404, 4004);
        assert!(detail.contains("no backend"), "{detail}");
    }
}
