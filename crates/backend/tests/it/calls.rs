//! Calls that end with a result or with what was wrong.
use backend::{Backend, Call, ErrorCode, Failure, Handler, Raw, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::harness::{Calls, Requests, call, check_code, error, method, result, serve, tool};

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Deserialize, JsonSchema)]
struct Nested {
    points: Vec<Add>,
}

#[derive(Deserialize, JsonSchema)]
struct Optional {
    name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Greeting {
    text: String,
}

fn calculator() -> Backend {
    Backend::new("calculator")
        .tool(Tool::new("calc.add", |_call: Call, add: Add| async move { Ok(add.a + add.b) }))
        .tool(Tool::new("calc.sum", |_: Call, nested: Nested| async move {
            Ok(nested.points.iter().map(|point| point.a + point.b).sum::<i64>())
        }))
        .tool(Tool::new("greet", |_: Call, args: Optional| async move {
            Ok(Greeting { text: format!("hello {}", args.name.as_deref().unwrap_or("nobody")) })
        }))
        .tool(Tool::new("raw", |_: Call, raw: Raw| async move { Ok(raw) }))
}

#[tokio::test]
async fn a_typed_tool_answers_over_both_ways_of_calling() {
    let (_running, client) = serve(calculator()).await;
    assert_eq!(result(call(&client, tool(1, "calc.add", r#"{"a":2,"b":40}"#)).await), "42");

    let mut calls = Calls::open(&client).await;
    calls.send(tool(7, "calc.add", r#"{"a":-2,"b":1}"#)).await;
    let (call_id, event) = calls.next().await;
    assert_eq!((call_id, result(event).as_str()), (7, "-1"));
}

#[tokio::test]
async fn a_thousand_calls_on_one_stream_are_each_answered_once() {
    let (_running, client) = serve(calculator()).await;
    let mut calls = Calls::open(&client).await;
    let mut sums = vec![None; 1_000];
    for call_id in 0..1_000_usize {
        calls.send(tool(call_id as u64, "calc.add", &format!(r#"{{"a":{call_id},"b":1}}"#))).await;
    }
    for _ in 0..1_000 {
        let (call_id, event) = calls.next().await;
        assert_eq!(sums[call_id as usize].replace(result(event)), None, "call {call_id} was answered twice");
    }
    let expected: Vec<_> = (1..=1_000).map(|sum| Some(sum.to_string())).collect();
    assert_eq!(sums, expected);
}

#[tokio::test]
async fn bad_args_name_the_field() {
    let (_running, client) = serve(calculator()).await;
    let check = async |name: &str, args: &str, expected: &str| {
        let error = error(call(&client, tool(1, name, args)).await);
        assert_eq!(error.code, 4005, "{error:?}");
        assert!(error.message.contains(expected), "{:?} does not contain {expected:?}", error.message);
    };
    check("calc.add", r#"{"a":"two","b":1}"#, "a: invalid type: string \"two\", expected i64").await;
    check("calc.add", r#"{"a":1}"#, "missing field `b`").await;
    check("calc.add", "", "missing field `a`").await;
    check("calc.add", "[1", "EOF").await;
    check("calc.sum", r#"{"points":[{"a":1,"b":2},{"a":1,"b":null}]}"#, "points[1].b: invalid type: null")
        .await;
    check("greet", r#"{"name":7}"#, "name: invalid type: integer `7`, expected a string").await;
}

#[tokio::test]
async fn no_args_are_an_empty_object() {
    let (_running, client) = serve(calculator()).await;
    assert_eq!(result(call(&client, tool(1, "greet", "")).await), r#"{"text":"hello nobody"}"#);
    assert_eq!(result(call(&client, tool(1, "raw", "")).await), "{}");
}

#[tokio::test]
async fn raw_json_passes_unchanged() {
    let (_running, client) = serve(calculator()).await;
    for json in ["{\"z\" : 1.50,\t\"a\":[ ]}", "\"\\u00e4\"", "null", "1e400"] {
        assert_eq!(result(call(&client, tool(1, "raw", json)).await), json);
    }
}

#[test]
fn raw_json_of_an_authors_own_is_checked() {
    assert!(Raw::parse(r#"{"a":1}"#).is_ok());
    for text in ["", "{", "1 2", "{a:1}"] {
        assert!(Raw::parse(text).is_err(), "{text:?} is not one JSON value");
    }
    assert!(Raw::parse(b"\"\xff\"".to_vec()).is_err(), "JSON text is UTF-8");
}

#[tokio::test]
async fn unknown_names_are_refused_and_named() {
    let (_running, client) = serve(calculator()).await;
    let unknown = error(call(&client, tool(1, "calc.sub", "{}")).await);
    assert_eq!(unknown.code, 4010);
    assert!(unknown.message.contains("calc.sub"), "{unknown:?}");
    let unknown = error(call(&client, method(1, "workflow.start", "{}")).await);
    assert_eq!(unknown.code, 4004);
    assert!(unknown.message.contains("workflow.start"), "{unknown:?}");
}

#[tokio::test]
async fn the_closest_method_handler_answers() {
    fn naming(pattern: &'static str) -> Handler {
        Handler::new(pattern, move |call: Call, _: Value| async move {
            Ok(json!({ "pattern": pattern, "method": call.method() }))
        })
    }
    let patterns = ["workflow.*", "workflow.step.*", "workflow.step.run"];
    let backend =
        patterns.into_iter().fold(Backend::new("flows"), |backend, pattern| backend.method(naming(pattern)));
    let (_running, client) = serve(backend).await;
    let check = async |name: &str, pattern: &str| {
        let answer: Value =
            serde_json::from_str(&result(call(&client, method(1, name, "{}")).await)).expect("JSON");
        assert_eq!(answer, json!({ "pattern": pattern, "method": name }));
    };
    check("workflow.start", "workflow.*").await;
    check("workflow.step.stop", "workflow.step.*").await;
    check("workflow.step.run", "workflow.step.run").await;
    check("workflow.step.run.x", "workflow.step.*").await;
    check_code(call(&client, method(1, "workflowx", "{}")).await, ErrorCode::MethodNotFound);
}

#[tokio::test]
async fn a_failure_carries_code_message_and_details_but_never_its_cause() {
    let backend = Backend::new("failing")
        .tool(Tool::new("conflict", |_: Call, _: Value| async move {
            Err::<(), _>(Failure::conflict("version 3 is not current").with_details(json!({ "current": 4 })))
        }))
        .tool(Tool::new("broken", |_: Call, _: Value| async move {
            std::fs::read("/no/such/secret/file").map_err(Failure::internal)
        }));
    let (_running, client) = serve(backend).await;
    let conflict = error(call(&client, tool(1, "conflict", "")).await);
    assert_eq!((conflict.code, conflict.message.as_str()), (4011, "version 3 is not current"));
    assert_eq!(conflict.details, r#"{"current":4}"#);
    let broken = error(call(&client, tool(1, "broken", "")).await);
    assert_eq!((broken.code, broken.message.as_str()), (4003, "the backend failed"));
    assert!(broken.details.is_empty());
}

#[tokio::test]
async fn a_handler_sees_who_asks_and_until_when() {
    let backend = Backend::new("seeing").tool(Tool::new("who", |call: Call, _: Value| async move {
        Ok(json!([
            call.tenant(),
            call.agent(),
            call.scopes(),
            call.session_id(),
            call.idempotency_key(),
            call.traceparent(),
            call.tracestate(),
            call.method(),
            call.tool(),
            call.params().len(),
            call.deadline().is_some(),
        ]))
    }));
    let (_running, client) = serve(backend).await;
    let answer = result(call(&client, tool(1, "who", r#"{"a":1}"#).with_timeout(5_000)).await);
    let expected = json!([
        "acme",
        "agent-7",
        ["tool:execute"],
        "session-1",
        "key-1",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "vendor=1",
        "tool.execute",
        "who",
        7,
        true
    ]);
    assert_eq!(answer, expected.to_string());
}
