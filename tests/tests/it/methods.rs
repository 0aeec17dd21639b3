//! Methods and tools of a backend's own: found by name or prefix, shown and called only with the right scopes.

use auth::Claims;
use backend::{Backend, Call, Failure, Handler, Raw, Tool};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Gateway, Keys, Tools, until};

/// Says what it was called with.
async fn report(call: Call, params: Raw) -> Result<Raw, Failure> {
    let text = json!({
        "method": call.method(),
        "tool": call.tool(),
        "tenant": call.tenant(),
        "agent": call.agent(),
        "scopes": call.scopes(),
        "params": serde_json::from_slice::<Value>(params.as_bytes()).unwrap_or_default(),
    });
    Raw::parse(text.to_string()).map_err(Failure::internal)
}

fn workflows() -> Backend {
    Backend::new("workflows")
        .method(Handler::new("workflow.*", report))
        .method(Handler::new("workflow.start", report).scope("workflow:start"))
        .tool(Tool::new("open", report))
        .tool(Tool::new("secret", report).scope("secrets:read").timeout(Duration::from_secs(5)))
}

fn connect(gateway: &Gateway, scopes: &[&str]) -> Client {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    let token = gateway.keys.mint(&Claims { scopes, ..Keys::claims() });
    let mut client =
        gateway.accepted(&gateway.upgrade().replace("Authorization", &format!("Bearer {token}")));
    client.await_tool("open");
    client
}

fn start() -> (Gateway, Tools) {
    let gateway = Gateway::start();
    let tools = Tools::serve(workflows(), &gateway);
    (gateway, tools)
}

#[test]
fn a_method_of_a_backend_is_called_by_name_or_prefix() {
    let (gateway, _tools) = start();
    let mut client = connect(&gateway, &["*"]);
    for method in ["workflow.start", "workflow.stop", "workflow.a.b"] {
        let result = client.ask(method, &json!({"n": 1}));
        assert_eq!((&result["method"], &result["params"]), (&json!(method), &json!({"n": 1})));
        assert_eq!((&result["tenant"], &result["agent"]), (&json!("tenant"), &json!("agent")));
    }
    for method in ["workflow", "workflows.start", "work"] {
        client.ask_wrong(method, &json!({}), 4004);
    }
}

#[test]
fn scope_missing() {
    let (gateway, _tools) = start();
    let mut client = connect(&gateway, &["other"]);
    let list = client.ask("tool.list", &json!({}));
    let names: Vec<_> = list["tools"].as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["open"], "what may not be called is not shown");
    let error = client.ask_wrong("tool.execute", &json!({"tool": "secret", "args": {}}), 4013);
    assert!(error.contains("secrets:read"), "{error}");
    let error = client.ask_wrong("workflow.start", &json!({}), 4013);
    assert!(error.contains("workflow:start"), "{error}");
    client.ask("workflow.stop", &json!({}));
    gateway.await_metric("websocket_errors_total{type=\"forbidden\"}", 2.0);
    gateway.await_metric("backend_calls_total", 1.0);
    // With the scope it goes.
    let mut client = connect(&gateway, &["secrets:read"]);
    assert_eq!(client.ask("tool.execute", &json!({"tool": "secret", "args": {}}))["tool"], "secret");
}

#[test]
fn a_refreshed_token_changes_what_may_be_called() {
    let (gateway, _tools) = start();
    let mut client = connect(&gateway, &["secrets:read"]);
    client.ask("tool.execute", &json!({"tool": "secret", "args": {}}));
    let less = gateway.keys.mint(&Claims { scopes: vec!["other".to_owned()], ..Keys::claims() });
    client.ask("session.refresh", &json!({"token": less}));
    client.ask_wrong("tool.execute", &json!({"tool": "secret", "args": {}}), 4013);
    let result = client.ask("tool.execute", &json!({"tool": "open", "args": {}}));
    assert_eq!(result["scopes"], json!(["other"]), "a backend sees the fresh token's scopes");
}

#[test]
fn a_notification_calls_a_backend_and_is_not_answered() {
    let (gateway, _tools) = start();
    let mut client = connect(&gateway, &["*"]);
    client.json(&json!({"type": 2, "method": "workflow.stop", "params": {}}));
    client.json(&json!({"type": 2, "method": "tool.execute", "params": {"tool": "open"}}));
    gateway.await_metric("backend_calls_total", 2.0);
    gateway.await_metric("backend_calls_in_flight", 0.0);
    client.check_alive();
}

#[test]
fn a_backend_whose_tools_another_has_is_not_taken() {
    let (gateway, _tools) = start();
    let mut client = connect(&gateway, &["*"]);
    // It is refused again and again, until the first one has gone.
    let thief = Backend::new("thief").tool(Tool::new("open", |_: Call, _: Raw| async { Ok(666) }));
    let (_thief, taken) = Tools::offer(thief, &gateway, Duration::from_millis(500));
    assert!(!taken, "the gateway took it");
    assert_eq!(client.ask("tool.execute", &json!({"tool": "open", "args": {}}))["tool"], "open");
    let tools = client.ask("tool.list", &json!({}));
    assert_eq!(tools["tools"].as_array().map(Vec::len), Some(2));
    gateway.await_replicas(1.0);
}

#[test]
fn what_a_backend_had_is_gone_with_it() {
    let (gateway, tools) = start();
    let mut client = connect(&gateway, &["*"]);
    client.ask("workflow.stop", &json!({}));
    drop(tools);
    until("the tools to be gone", || {
        client.ask("tool.list", &json!({}))["tools"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    client.ask_wrong("workflow.stop", &json!({}), 4004);
    // And it is back as soon as it is.
    let _tools = Tools::serve(workflows(), &gateway);
    client.await_tool("open");
    client.ask("workflow.stop", &json!({}));
}
