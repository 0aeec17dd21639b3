//! What stands in the log, and what never does.

use gateway::config::LogFormat;
use serde_json::{Value, json};
use tests::{Keys, Process, Request, Tools};

/// A line break and terminal commands, and the line that an attacker would like to see.
const INJECTION: &str =
    "\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\n\u{1b}[2Jforged\u{1b}[31m\u{7}\u{2028}forged";

/// Puts the text into every field that a client sends.
fn inject(process: &Process, text: &str) {
    let mut client = process.connect();
    client.request(text, "initialize", &json!({"client": {"name": text, "version": text}}));
    client.message();
    client
        .text(&format!("{{\"id\":1,\"type\":0,\"method\":\"echo\",\"params\":\n\n{}}}", json!({text: text})));
    client.message();
    for message in [
        json!({"id": 1, "type": 0, "method": text, "params": text}),
        json!({"id": 1, "type": 0, "method": "tool.execute", "params": {"tool": text, "args": text}}),
        json!({"id": 1, "type": 0, "method": "tool.cancel", "params": {"id": text}}),
        json!({"id": 1, "type": 0, "method": "session.refresh", "params": {"token": text}}),
        json!({"id": 1, "type": text}),
        json!({"id": 1, "type": 0, "method": "echo", "meta": {"traceparent": text, "tracestate": text}}),
        json!({"id": 1, "type": 0, "method": "context.get", "params": {"id": text}}),
    ] {
        client.json(&message);
        client.message();
    }
    let mut reason = text.as_bytes().to_vec();
    reason.truncate(120);
    while std::str::from_utf8(&reason).is_err() {
        reason.pop();
    }
    client.draft(&tests::Draft::close(4000, &reason));
    client.frame("the close");
    // A token whose names hold it can't be minted, but it can be sent.
    let unprintable = process.upgrade().replace("Authorization", "Bearer \u{1b}[2Jforged\tforged");
    let escaped = "%0d%0a%1b[2Jforged";
    let requests: [Request; 5] = [
        unprintable,
        process.upgrade().line(&format!("GET /{escaped}?{escaped} HTTP/1.1")),
        process.upgrade().line("GET /\u{1b}[2Jforged HTTP/1.1"),
        process.upgrade().with("Sec-WebSocket-Protocol", "\u{1b}[2Jforged"),
        process.upgrade().replace("Host", "\u{1b}[2Jforged"),
    ];
    for request in requests {
        let mut socket = process.open();
        socket.send(&request.bytes());
        socket.finish();
        socket.await_end("the end of a refused connection");
    }
}

/// Puts the text into every field of a call that a backend answers.
fn call(process: &Process, text: &str) {
    let mut client = process.connect();
    client.await_tool("echo");
    let id: String = text.chars().take(40).collect();
    client.json(&json!({
        "id": id, "type": 0, "method": "tool.execute",
        "params": {"tool": "echo", "args": {text: text}, "context_id": text},
        "meta": {"traceparent": text, "tracestate": text},
    }));
    client.result(&id);
}

#[test]
fn log_injection() {
    let process = crate::process(|_| {});
    let _tools = Tools::at(&process);
    call(&process, INJECTION);
    inject(&process, INJECTION);
    process.await_no_connections();
    process.await_log("\"initialized\"");
    process.await_log("\"refused\"");
    let lines = process.end();
    let mut seen = Vec::new();
    for line in lines {
        let parsed: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert!(!line.contains(char::is_control), "{line:?}");
        assert_ne!(parsed["message"], "forged", "{line:?}");
        assert!(parsed["level"].is_string() && parsed["timestamp"].is_string(), "{line:?}");
        seen.push(parsed["message"].as_str().unwrap_or_default().to_owned());
    }
    for message in ["initialized", "refused"] {
        assert!(seen.iter().any(|seen| seen == message), "no line {message:?} among {seen:?}");
    }
}

#[test]
fn log_injection_into_lines_for_people() {
    let process = crate::process(|config| config.log.format = LogFormat::Human);
    let _tools = Tools::at(&process);
    call(&process, INJECTION);
    inject(&process, INJECTION);
    process.await_no_connections();
    process.await_log("initialized");
    for line in process.end() {
        assert!(!line.contains("\u{1b}[2J"), "a terminal command of a client: {line:?}");
        assert!(!line.trim_start().starts_with("{\"level\""), "a forged line: {line:?}");
    }
}

#[test]
fn a_call_is_logged_with_its_connection_session_and_request() {
    let process = crate::process(|_| {});
    let _tools = Tools::at(&process);
    let mut client = process.connect();
    client.await_tool("echo");
    let session = client.ask("initialize", &json!({}))["session_id"].clone();
    client.request("request-7", "tool.execute", &json!({"tool": "echo", "args": 1}));
    client.result("request-7");
    let line: Value = serde_json::from_str(&process.await_log("request-7")).expect("a line is JSON");
    assert_eq!(line["session"], session, "{line}");
    assert!(line["request"].as_str().is_some_and(|request| request.contains("request-7")), "{line}");
    assert!(line["connection"].is_u64() || line["connection"].is_string(), "{line}");
}

#[test]
fn lines_about_one_connection_have_the_same_fields() {
    let process = crate::process(|_| {});
    let line =
        |text: &str| -> Value { serde_json::from_str(&process.await_log(text)).expect("a line is JSON") };
    assert!(line("\"serving\"")["pod"].is_string());
    let mut client = process.connect();
    let upgraded = line("\"upgraded\"");
    let session = client.ask("initialize", &json!({}))["session_id"].clone();
    client.ask("session.close", &json!({}));
    client.left(1000);
    let closing = line("\"closing\"");
    for key in ["connection", "tenant", "agent"] {
        assert_eq!(upgraded[key], closing[key], "{upgraded} {closing}");
        assert_ne!(closing[key], Value::Null, "{closing}");
    }
    assert_eq!((&closing["session"], &closing["code"]), (&session, &json!(1000)), "{closing}");
    tests::Http::open(&process).get("/tools");
    assert!(line("\"a REST request\"")["connection"].is_u64());
}

#[test]
fn a_token_stands_in_no_log_metric_or_answer() {
    let process = crate::process(|_| {});
    let canaries = [process.keys.token(), Keys::fresh().token()];
    let mut seen = String::new();
    for token in &canaries {
        let bare = process.upgrade().without("Authorization");
        let requests = [
            bare.clone().line(&format!("GET /ws?token={token} HTTP/1.1")),
            bare.clone().with("Authorization", &format!("Bearer {token}")).without("Host"),
            bare.clone().with("Authorization", &format!("Basic {token}")),
            bare.clone()
                .with("Sec-WebSocket-Protocol", &format!("mcp.v1, mcpw.bearer.{token}"))
                .without("Host"),
            bare.clone().with("Sec-WebSocket-Protocol", &format!("mcpw.bearer.{token}")),
            bare.with("Authorization", &format!("Bearer {token}")),
        ];
        for request in requests {
            let mut socket = process.open();
            socket.send(&request.bytes());
            seen += &format!("{:?}", socket.response());
        }
        let mut client = process.connect();
        for method in ["session.refresh", "initialize", "tool.execute", "no.such"] {
            client.request("1", method, &json!({"token": token, "tool": 5}));
            seen += &client.message().to_string();
        }
    }
    seen += &process.metrics().names().concat();
    process.await_no_connections();
    seen += &process.end().join("\n");
    for token in &canaries {
        let signature = token.rsplit('.').next().expect("a token has a signature");
        let at = seen.find(signature);
        let around = at.map(|at| &seen[at.saturating_sub(300)..at]);
        assert_eq!(around, None, "the token's signature was seen");
    }
}
