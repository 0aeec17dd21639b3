//! A token where it belongs and where it does not: nothing that the gateway writes down or says shows it.

use auth::Claims;
use gateway::config::LogFormat;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use tests::{Contexts, Http, Keys, Process, Request, Tools, audited, until};

use crate::MCPW;

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
/// Everything that the house itself can say, and all that hyper, tonic and the others would on its behalf.
const EVERYTHING: &str = "trace,gateway=trace";

/// A gateway that writes all that it can.
fn start(level: &str, format: LogFormat, audit: &Path) -> Process {
    Process::start(MCPW, |config| {
        config.log.level = level.to_owned();
        config.log.format = format;
        config.audit.file = Some(audit.to_owned());
    })
}

/// The token wherever a request of HTTP has room for it; the answers.
fn by_http(process: &Process, token: &str) -> String {
    let bare = process.upgrade().without("Authorization");
    let bearer = format!("Bearer {token}");
    let good = process.upgrade();
    let requests: Vec<Request> = vec![
        bare.clone().with("Authorization", &bearer).without("Host"),
        bare.clone().with("Authorization", &format!("Basic {token}")),
        bare.clone().with("Authorization", token),
        bare.clone().with("Authorization", &bearer).with("Authorization", &bearer),
        bare.clone().with("Cookie", &format!("token={token}")).with("X-Api-Key", token),
        bare.clone().with(PROTOCOL, &format!("mcp.v1, mcpw.bearer.{token}")).without("Host"),
        bare.clone().with(PROTOCOL, &format!("mcpw.bearer.{token}")),
        bare.clone().with(PROTOCOL, &format!("mcp.v1, mcpw.bearer.{token}")),
        good.clone().replace(PROTOCOL, token),
        good.clone().with("Origin", &format!("https://{token}.example")),
        good.clone().replace("Sec-WebSocket-Key", token),
        bare.clone().line(&format!("GET /ws?token={token} HTTP/1.1")),
        good.clone().line(&format!("GET /ws?x={token} HTTP/1.1")),
        good.line(&format!("GET /{token} HTTP/1.1")),
        bare.with("Authorization", &bearer),
    ];
    let mut said = String::new();
    for request in requests {
        let mut socket = process.open();
        socket.send(&request.bytes());
        let response = socket.response();
        said += &format!("{response:?}{}", response.text());
    }
    let mut http = Http::open(process);
    for (method, path, body) in [
        ("GET", format!("/events?name=a&access_token={token}"), None),
        ("GET", format!("/tools?x={token}"), None),
        ("POST", "/tools/echo/execute".to_owned(), Some(json!({"token": token}))),
        ("POST", "/contexts".to_owned(), Some(json!({"content": 1, "token": token}))),
        ("POST", "/events".to_owned(), Some(json!({"token": token}))),
    ] {
        let answer =
            http.ask(method, &path, &[("X-Token", token)], body.map(|body| body.to_string()).as_deref());
        said += &format!("{answer:?}{}", answer.text());
    }
    said + &format!("{:?}", Http::with_token(process, token).get("/tools"))
}

/// The token wherever a message has room for a secret; the answers.
fn by_message(process: &Process, token: &str) -> String {
    let mut client = process.connect();
    client.tolerate_pings();
    let mut said = String::new();
    for (method, params) in [
        ("initialize", json!({"token": token, "resume": {"session_id": token, "resume_token": token}})),
        (
            "initialize",
            json!({"resume": {"session_id": "01a204f6-03c8-74fc-b31e-452765a423b4", "resume_token": token}}),
        ),
        ("initialize", json!({"token": token})),
        ("session.refresh", json!({"token": token})),
        ("session.refresh", json!({"token": [token]})),
        ("tool.execute", json!({"tool": 5, "args": {"token": token}})),
        ("tool.execute", json!({"tool": "echo", "args": {"token": token}, "token": token})),
        ("tool.execute", json!({"tool": "sleep", "args": {"token": token}})),
        ("context.create", json!({"content": {"token": token}, "metadata": {"token": token}})),
        ("context.update", json!({"id": "none", "content": token})),
        ("context.search", json!({"query": token})),
        ("event.publish", json!({"name": "a", "data": {"token": token}})),
        ("event.subscribe", json!({"names": 1, "token": token})),
        ("no.such", json!({"token": token})),
    ] {
        client.request("1", method, &params);
        let mut message = client.message();
        // What was asked for may come back in a result; what went wrong is told without it.
        if message["type"] == 1 {
            message["result"] = Value::Null;
        }
        said += &message.to_string();
    }
    client.text(&format!("{{\"id\":1,\"type\":0,\"method\":\"echo\",\"params\":{{\"token\":\"{token}\"}}"));
    said + &client.message().to_string()
}

/// How many refusals the lines of an audit log tell of. Those that are alike stand in one line.
fn refusals(file: &Path) -> u64 {
    let lines = audited(file);
    let refused = lines.iter().filter(|line| line["event"] == "refuse");
    refused.map(|line| line["times"].as_u64().unwrap_or(1)).sum()
}

fn check(level: &str, format: LogFormat) {
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let audit = folder.path().join("audit.jsonl");
    let process = start(level, format, &audit);
    let (_tools, _contexts) = (Tools::at(&process), Contexts::passing(MCPW, &process));
    process.connect().await_tool("echo");
    let mut seen = String::new();
    // One that is good, one that is another's, and one that is none.
    let good = process.keys.mint(&Claims { token_id: Some("an-id".to_owned()), ..Keys::claims() });
    let foreign = Keys::fresh().token();
    let canary = "canary-0f4c7b1e9a".to_owned();
    for token in [&good, &foreign, &canary] {
        seen += &by_http(&process, token);
        seen += &by_message(&process, token);
    }
    seen += &process.metrics().names().concat();
    until("the decisions", || (refusals(&audit) >= 20).then_some(()));
    seen += &std::fs::read_to_string(&audit).expect("there is an audit log");
    process.await_no_connections();
    let log = process.end();
    assert!(log.iter().any(|line| line.contains("a token was refused")), "nothing was logged");
    seen += &log.join("\n");
    for token in [&good, &foreign, &canary] {
        let secret = token.rsplit('.').next().expect("the part that nobody else knows");
        let at = seen.find(secret);
        let around = at.map(|at| {
            String::from_utf8_lossy(&seen.as_bytes()[at.saturating_sub(300)..at + 20]).into_owned()
        });
        assert_eq!(around, None, "{token} was seen");
    }
}

#[test]
fn canary_token() {
    check("trace", LogFormat::Json);
}

#[test]
fn canary_token_in_the_lines_of_the_libraries() {
    check(EVERYTHING, LogFormat::Human);
}
