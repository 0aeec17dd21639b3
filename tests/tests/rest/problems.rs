//! What is refused, and in which words: problem details for each status and code.

use backend::{Backend, ErrorCode, Failure, Handler, Tool};
use serde_json::json;
use tests::{Gateway, Http, Tools};

/// A backend whose tool fails as it is told to.
fn failing() -> Backend {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Args {
        code: u16,
    }
    let fail = |_call: backend::Call, Args { code }: Args| async move {
        let code = ErrorCode::from_u16(code).ok_or_else(|| Failure::invalid_params("code"))?;
        let failure = Failure::new(code, "as it was told to");
        Err::<(), _>(failure.with_details(json!({"retry_after_ms": 2_500})))
    };
    Backend::new("failing").tool(Tool::new("fail", fail)).method(Handler::new("context.get", fail))
}

#[test]
fn each_code_has_its_status() {
    let gateway = Gateway::start();
    let _backend = Tools::serve(failing(), &gateway);
    gateway.connect().await_tool("fail");
    let mut http = Http::knowing(&gateway, "fail");
    for (code, status) in [
        (4000, 400),
        (4001, 401),
        (4002, 429),
        (4003, 502),
        (4004, 404),
        (4005, 400),
        (4006, 500),
        (4007, 504),
        (4008, 409),
        (4009, 503),
        (4010, 404),
        (4011, 409),
        (4012, 413),
        (4013, 403),
        (4014, 429),
    ] {
        let answer = http.post("/tools/fail/execute", &json!({"arguments": {"code": code}}));
        answer.problem(status, code);
        assert_eq!(answer.json()["details"], json!({"retry_after_ms": 2500}), "{code}");
        let waits = matches!(status, 429 | 503).then_some("3");
        assert_eq!(answer.header("Retry-After"), waits, "{code}");
    }
}

#[test]
fn a_token_is_needed_and_has_to_be_good() {
    let gateway = Gateway::start();
    let bare = "GET /api/v1/tools HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut http = Http::open(&gateway);
    http.bytes(bare.as_bytes());
    let answer = http.response();
    answer.problem(401, 4001);
    assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer realm=\"mcpw\""));
    for path in ["/tools", "/openapi.json", "/events", "/contexts", "/calls/x", "/tools/x"] {
        let answer = Http::with_token(&gateway, "x.y.z").get(path);
        answer.problem(401, 4001);
        let challenge = answer.header("WWW-Authenticate").expect("a challenge");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    // A token in the URL is refused unseen.
    let token = gateway.keys.token();
    http.get(&format!("/tools?access_token={token}")).problem(401, 4001);
}

#[test]
fn without_tokens_a_client_is_nobody_in_particular() {
    let gateway = Gateway::with(|config| config.auth.required = false);
    let mut http = Http::open(&gateway);
    http.bytes(b"GET /api/v1/tools HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(http.response().json(), json!({"tools": []}));
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let gateway = Gateway::start();
    let mut http = Http::open(&gateway);
    for path in ["/", "/nothing", "/tools/", "/tools/a/b", "/tools/%ff", "/contexts//"] {
        let detail = http.get(path).problem(404, 4004);
        assert!(detail.contains("/api/v1/openapi.json"), "{detail}");
    }
    for (method, path, allow) in [
        ("POST", "/tools", "GET, HEAD"),
        ("DELETE", "/tools/a", "GET, HEAD"),
        ("GET", "/tools/a/execute", "POST"),
        ("PUT", "/calls/a", "GET, HEAD, DELETE"),
        ("PATCH", "/contexts", "GET, HEAD, POST"),
        ("POST", "/contexts/a", "GET, HEAD, PUT, PATCH, DELETE"),
        ("OPTIONS", "/events", "GET, HEAD, POST"),
        ("QUERY", "/openapi.json", "GET, HEAD"),
    ] {
        let answer = http.ask(method, path, &[], None);
        answer.problem(405, 4004);
        assert_eq!(answer.header("Allow"), Some(allow));
    }
}

#[test]
fn media_types_are_judged() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("echo");
    let mut http = Http::knowing(&gateway, "echo");
    for (accept, status) in [
        ("*/*", 200),
        ("application/*;q=0.1, text/html", 200),
        ("application/json;q=0", 406),
        ("text/html", 406),
        ("", 406),
    ] {
        let answer = http.ask("GET", "/tools", &[("Accept", accept)], None);
        assert_eq!(answer.status, status, "{accept:?}");
        if status == 406 {
            answer.problem(406, 4000);
        }
    }
    for (header, status) in [
        (("Content-Type", "application/json; charset=utf-8"), 200),
        (("Content-Type", "Application/JSON"), 200),
        (("Content-Type", "text/plain"), 415),
        (("Content-Type", "application/merge-patch+json"), 415),
        (("Content-Encoding", "identity"), 200),
        (("Content-Encoding", "gzip"), 415),
    ] {
        // After a body that was not read the connection ends.
        let answer =
            Http::knowing(&gateway, "echo").ask("POST", "/tools/echo/execute", &[header], Some("{}"));
        assert_eq!(answer.status, status, "{header:?}");
        if status == 415 {
            answer.problem(415, 4000);
        }
    }
    Http::knowing(&gateway, "echo")
        .ask("PATCH", "/contexts/a", &[("Content-Type", "application/json")], Some("{}"))
        .problem(415, 4000);
}

#[test]
fn bodies_are_strict_json_of_the_right_form() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("echo");
    let mut http = Http::knowing(&gateway, "echo");
    for (body, code) in [
        ("{", 4000),
        ("{} {}", 4000),
        (r#"{"arguments":1,"arguments":2}"#, 4000),
        (r#"{"arguments":1e999}"#, 4000),
        ("\"\\ud800\"", 4000),
        ("[]", 4005),
        ("[{}]", 4005),
        ("null", 4005),
        (r#"{"timeout_ms":0}"#, 4005),
        (r#"{"timeout_ms":-1}"#, 4005),
        (r#"{"timeout_ms":"1"}"#, 4005),
        (r#"{"args":1,"arguments":2}"#, 4005),
    ] {
        let detail = http.ask("POST", "/tools/echo/execute", &[], Some(body)).problem(400, code);
        assert!(!detail.is_empty());
    }
    http.ask("POST", "/contexts", &[], None).problem(400, 4000);
    http.ask("POST", "/contexts", &[], Some("{}")).problem(400, 4005);
    http.post("/tools/nothing/execute", &json!({})).problem(404, 4010);
}
