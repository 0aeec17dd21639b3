//! Rules of authorization: for every message on both wires and for REST, by tenant, agent, method and tool.

use auth::{Authorization, AuthorizationRule, Claims, Effect};
use backend::{Backend, Call, Handler, Raw, Tool};
use serde_json::{Value, json};
use tests::{Client, Gateway, Http, Keys, Packet, Tools, until};

fn list(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|&name| name.to_owned()).collect())
}

fn allow() -> AuthorizationRule {
    AuthorizationRule::default()
}

fn deny() -> AuthorizationRule {
    AuthorizationRule { effect: Effect::Deny, ..AuthorizationRule::default() }
}

/// A gateway with these rules, and a backend with tools and a method.
fn start(default: Effect, rules: Vec<AuthorizationRule>) -> (Gateway, Tools) {
    let gateway = Gateway::with(|config| config.authorization = Authorization { default, rules });
    let answer = |_: Call, _: Raw| async { Ok(1) };
    let backend = Backend::new("files")
        .method(Handler::new("workflow.start", answer))
        .tool(Tool::new("fs.read", answer))
        .tool(Tool::new("fs.write", answer))
        .tool(Tool::new("time.now", answer));
    let tools = Tools::serve(backend, &gateway);
    (gateway, tools)
}

fn token(gateway: &Gateway, tenant: &str, agent: &str) -> String {
    gateway.keys.mint(&Claims { scopes: vec!["*".to_owned()], ..Claims::new(tenant, agent) })
}

fn connect_as(gateway: &Gateway, tenant: &str, agent: &str) -> Client {
    let bearer = format!("Bearer {}", token(gateway, tenant, agent));
    gateway.accepted(&gateway.upgrade().replace("Authorization", &bearer))
}

fn names(list: &Value) -> Vec<&str> {
    let tools = list["tools"].as_array().expect("a list of tools");
    tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect()
}

fn execute(client: &mut Client, tool: &str) -> Value {
    client.ask("tool.execute", &json!({"tool": tool}))
}

fn check_forbidden(client: &mut Client, method: &str, params: &Value) {
    let told = client.ask_wrong(method, params, 4013);
    assert_eq!(told, "a rule of authorization denies it", "{method}");
}

#[test]
fn a_rule_denies() {
    let rule = AuthorizationRule { methods: list(&["echo", "workflow.*"]), ..deny() };
    let (gateway, _tools) = start(Effect::Allow, vec![rule]);
    let mut client = gateway.connect();
    client.await_tool("fs.read");
    check_forbidden(&mut client, "echo", &json!({}));
    check_forbidden(&mut client, "workflow.start", &json!({}));
    // What is forbidden is not told apart from what is not there.
    check_forbidden(&mut client, "workflow.nothing", &json!({}));
    execute(&mut client, "fs.read");
    gateway.await_metric("websocket_errors_total{type=\"forbidden\"}", 3.0);
    gateway.await_metric("backend_calls_total", 1.0);

    let mut binary = gateway.connect_binary();
    binary.packet(&Packet::echo(7, b"{}"));
    assert_eq!(binary.reply().error(7, 4013), "a rule of authorization denies it");
    binary.packet(&Packet::request(8, protocol::Method::ToolList.code(), b"{}"));
    assert_eq!(binary.reply().sequence_id, 8);
}

#[test]
fn hidden_tools_are_not_listed_and_not_callable() {
    let rule = AuthorizationRule { tools: list(&["fs.*"]), ..deny() };
    let (gateway, _tools) = start(Effect::Allow, vec![rule]);
    let mut client = gateway.connect();
    client.await_tool("time.now");
    assert_eq!(names(&client.ask("tool.list", &json!({}))), ["time.now"]);
    assert!(names(&client.ask("tool.list", &json!({"prefix": "fs."}))).is_empty());
    check_forbidden(&mut client, "tool.execute", &json!({"tool": "fs.read"}));
    execute(&mut client, "time.now");

    let mut binary = gateway.connect_binary();
    let execute = protocol::Method::ToolExecute.code();
    until("the tools at the connection's shard", || {
        binary.packet(&Packet::request(1, protocol::Method::ToolList.code(), b"{}"));
        (names(&binary.reply().json()) == ["time.now"]).then_some(())
    });
    binary.packet(&Packet::request(2, execute, br#"{"tool":"fs.read"}"#));
    assert_eq!(binary.reply().error(2, 4013), "a rule of authorization denies it");

    let mut http = Http::knowing(&gateway, "time.now");
    assert_eq!(names(&http.get("/tools").json()), ["time.now"]);
    let hidden = http.get("/tools/fs.read").problem(404, 4010);
    let absent = http.get("/tools/fs.none").problem(404, 4010);
    assert_eq!(hidden.replace("fs.read", "fs.none"), absent);
    let told = http.post("/tools/fs.read/execute", &json!({})).problem(403, 4013);
    assert_eq!(told, "a rule of authorization denies it");
    assert_eq!(http.post("/tools/time.now/execute", &json!({})).json(), json!({"result": 1}));
    gateway.await_metric("backend_calls_total", 2.0);
}

#[test]
fn where_deny_is_the_default_only_what_a_rule_allows_goes() {
    let methods = AuthorizationRule { methods: list(&["initialize", "session.*", "tool.list"]), ..allow() };
    let tools = AuthorizationRule { tools: list(&["fs.read", "time.*"]), ..allow() };
    let (gateway, _tools) = start(Effect::Deny, vec![methods, tools]);
    let mut client = gateway.connect();
    client.await_tool("time.now");
    client.ask("initialize", &json!({}));
    assert_eq!(names(&client.ask("tool.list", &json!({}))), ["fs.read", "time.now"]);
    execute(&mut client, "fs.read");
    for (method, params) in [
        ("echo", json!({})),
        ("tool.execute", json!({"tool": "fs.write"})),
        ("tool.cancel", json!({"id": "x"})),
        ("event.subscribe", json!({"names": ["*"]})),
        ("event.unsubscribe", json!({"names": ["*"]})),
        ("event.publish", json!({"name": "a"})),
        ("workflow.start", json!({})),
        ("context.get", json!({"id": "x"})),
    ] {
        let told = client.ask_wrong(method, &params, 4013);
        assert_eq!(told, "no rule of authorization allows it", "{method}");
    }
    client.ask("session.refresh", &json!({"token": gateway.keys.token()}));
    client.ask("session.close", &json!({}));

    let mut http = Http::knowing(&gateway, "fs.read");
    http.get("/events").problem(403, 4013);
    http.post("/events", &json!({"name": "a"})).problem(403, 4013);
    http.ask("DELETE", "/calls/x", &[], None).problem(403, 4013);
    http.post("/tools/fs.write/execute", &json!({})).problem(403, 4013);
    assert_eq!(http.post("/tools/fs.read/execute", &json!({})).status, 200);
}

#[test]
fn who_may_not_list_is_shown_nothing() {
    let rule = AuthorizationRule { methods: list(&["tool.list"]), ..deny() };
    let (gateway, _tools) = start(Effect::Allow, vec![rule]);
    check_forbidden(&mut gateway.connect(), "tool.list", &json!({}));
    let mut http = Http::open(&gateway);
    http.get("/tools").problem(403, 4013);
    http.get("/tools/fs.read").problem(403, 4013);
}

#[test]
fn deny_wins_over_allow_in_any_order() {
    let one = AuthorizationRule { tools: list(&["fs.read"]), ..allow() };
    let all = AuthorizationRule { tools: list(&["fs.*"]), ..deny() };
    for rules in [vec![one.clone(), all.clone()], vec![all, one]] {
        let (gateway, _tools) = start(Effect::Allow, rules);
        let mut client = gateway.connect();
        client.await_tool("time.now");
        check_forbidden(&mut client, "tool.execute", &json!({"tool": "fs.read"}));
    }
}

#[test]
fn rules_hold_for_their_tenants_and_agents() {
    let rule = AuthorizationRule {
        tenants: list(&["acme"]),
        agents: list(&["bot-*"]),
        methods: list(&["echo"]),
        ..deny()
    };
    let (gateway, _tools) = start(Effect::Allow, vec![rule]);
    let mut bot = connect_as(&gateway, "acme", "bot-1");
    check_forbidden(&mut bot, "echo", &json!({}));
    // A fresh token is the same agent's, and so are the rules.
    bot.ask("session.refresh", &json!({"token": token(&gateway, "acme", "bot-1")}));
    check_forbidden(&mut bot, "echo", &json!({}));
    for (tenant, agent) in [("acme", "human"), ("other", "bot-1"), ("acme2", "bot-1")] {
        connect_as(&gateway, tenant, agent).check_alive();
    }
}

#[test]
fn a_rule_gives_no_scope() {
    let rule = AuthorizationRule { methods: list(&["event.publish"]), ..allow() };
    let (gateway, _tools) = start(Effect::Allow, vec![rule]);
    let token = gateway.keys.mint(&Claims { scopes: Vec::new(), ..Keys::claims() });
    let bearer = format!("Bearer {token}");
    let mut client = gateway.accepted(&gateway.upgrade().replace("Authorization", &bearer));
    let told = client.ask_wrong("event.publish", &json!({"name": "a"}), 4013);
    assert!(told.contains("event:publish"), "{told}");
}
