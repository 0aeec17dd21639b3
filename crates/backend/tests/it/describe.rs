//! What a backend says of itself, and names that it may not have.
use std::time::Duration;

use backend::{Backend, Call, Error, Handler, Json, Mcp, Raw, Serve, Tool};
use futures_util::StreamExt as _;
use protocol::pb::call_event::Event;
use protocol::pb::{Annotations, CallRequest, DescribeRequest, Method};
use router::Health;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::harness::serve;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Args {
    /// What to look for.
    pattern: String,
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    lines: Vec<String>,
}

fn noop(name: &str) -> Tool {
    Tool::new(name, |_: Call, _: Value| async move { Ok(()) })
}

fn handler(pattern: &str) -> Handler {
    Handler::new(pattern, |_: Call, _: Value| async move { Ok(()) })
}

#[tokio::test]
async fn describe_tells_names_schemas_annotations_scopes_and_timeouts() {
    let find = Tool::new("find", |_: Call, _: Args| async move { Ok(Found { lines: Vec::new() }) })
        .description("Finds lines.")
        .read_only()
        .idempotent()
        .scope("files:read")
        .timeout(Duration::from_millis(1_500));
    let wipe = Tool::new("wipe", |_: Call, _: Raw| async move { Ok(Json(1)) }).destructive();
    let flows = handler("workflow.*").idempotent().scope("flows").timeout(Duration::from_secs(2));
    let backend = Backend::new("finder").version("1.2").tool(find).tool(wipe).method(flows);
    let (_running, mut client) = serve(backend).await;

    let description = client.describe(DescribeRequest {}).await.expect("it describes itself").into_inner();
    assert_eq!((description.name.as_str(), description.version.as_str()), ("finder", "1.2"));
    assert!(description.multiplexed);

    let [find, wipe] = &description.tools[..] else { panic!("not two tools: {:?}", description.tools) };
    assert_eq!((find.name.as_str(), find.description.as_str()), ("find", "Finds lines."));
    assert_eq!(
        find.annotations,
        Some(Annotations { read_only: true, idempotent: true, destructive: false, joinable: false })
    );
    assert_eq!((find.scopes.as_slice(), find.timeout_ms), (&["files:read".to_owned()][..], 1_500));
    let input: Value = serde_json::from_slice(&find.input_schema).expect("a schema is JSON");
    assert_eq!(
        input,
        json!({
            "type": "object",
            "properties": {
                "pattern": { "type": "string", "description": "What to look for." },
                "limit": { "type": ["integer", "null"], "minimum": 0 },
            },
            "required": ["pattern"],
        })
    );
    let output: Value = serde_json::from_slice(&find.output_schema).expect("a schema is JSON");
    assert_eq!(output["properties"]["lines"], json!({ "type": "array", "items": { "type": "string" } }));

    assert_eq!(
        wipe.annotations,
        Some(Annotations { read_only: false, idempotent: false, destructive: true, joinable: false })
    );
    assert_eq!((&wipe.input_schema[..], &wipe.output_schema[..]), (&b"{}"[..], &b""[..]));

    let flows = Method {
        pattern: "workflow.*".to_owned(),
        annotations: Some(Annotations {
            read_only: false,
            idempotent: true,
            destructive: false,
            joinable: false,
        }),
        scopes: vec!["flows".to_owned()],
        timeout_ms: 2_000,
    };
    assert_eq!(description.methods, [flows]);
}

#[tokio::test]
async fn a_name_given_twice_is_an_error_that_names_it() {
    let twice = Backend::new("twice").tool(noop("a")).tool(noop("b")).tool(noop("a"));
    let error = twice.serve(Serve::default()).await.expect_err("a tool was added twice");
    assert!(matches!(&error, Error::DuplicateTool { name } if name == "a"), "{error:?}");
    assert!(error.to_string().contains("\"a\""), "{error}");

    let twice = Backend::new("twice").method(handler("a.*")).method(handler("a.*"));
    let error = twice.serve(Serve::default()).await.expect_err("a method was added twice");
    assert!(matches!(&error, Error::DuplicateMethod { pattern } if pattern == "a.*"), "{error:?}");
}

#[tokio::test]
async fn invalid_names_are_errors_that_name_them() {
    let (long, too_long) = ("x".repeat(128), "x".repeat(129));
    for name in ["", "a b", "ä", "a/b", &too_long] {
        let error = Backend::new("b").tool(noop(name)).serve(Serve::default()).await.expect_err("invalid");
        assert!(matches!(&error, Error::ToolName { name: named } if named == name), "{error:?}");
    }
    for pattern in ["", "*", ".*", "a*", "a.*.b", "tool.execute", &too_long] {
        let error = Backend::new("b").method(handler(pattern)).serve(Serve::default()).await;
        let error = error.expect_err("invalid");
        assert!(matches!(&error, Error::MethodPattern { pattern: named } if named == pattern), "{error:?}");
    }
    for name in ["", "A", "a.b", &"x".repeat(65)] {
        let error = Backend::new(name).serve(Serve::default()).await.expect_err("invalid");
        assert!(matches!(&error, Error::BackendName { name: named } if named == name), "{error:?}");
    }
    let valid = Backend::new("x".repeat(64)).tool(noop(&long)).method(handler("a")).method(handler("a.*"));
    assert!(valid.serve(Serve::default()).await.is_ok());
}

#[tokio::test]
async fn a_tool_of_a_server_of_mcp_is_executed_and_called_by_the_same_function() {
    let listed = Raw::parse(&br#"{"name":"sum","_meta":{"a":1.0}}"#[..]).expect("it is JSON");
    let sum = Tool::mcp("sum", listed, |call: Call, _: Raw| async move {
        Ok(Raw::parse(format!("{:?}", call.method())).expect("it is JSON"))
    });
    let capabilities = Raw::parse(&br#"{"prompts":{}}"#[..]).expect("it is JSON");
    let mcp = Mcp { capabilities, instructions: "Ask.".to_owned(), uri_prefixes: vec!["file:".to_owned()] };
    let backend = Backend::new("sums").tool(sum).method(handler(&Mcp::methods("sums"))).mcp(mcp);
    let (_running, mut client) = serve(backend).await;

    let description = client.describe(DescribeRequest {}).await.expect("it describes itself").into_inner();
    assert_eq!(&description.tools[0].mcp[..], br#"{"name":"sum","_meta":{"a":1.0}}"#);
    let mcp = description.mcp.expect("it is one of MCP");
    assert_eq!((&mcp.capabilities[..], mcp.instructions.as_str()), (&br#"{"prompts":{}}"#[..], "Ask."));
    assert_eq!(
        (mcp.uri_prefixes, description.methods[0].pattern.as_str()),
        (vec!["file:".to_owned()], "mcp.sums.*")
    );
    for method in ["tool.execute", "tools/call"] {
        let request =
            CallRequest { method: method.to_owned(), tool: "sum".to_owned(), ..CallRequest::default() };
        let mut events = client.call(request).await.expect("it is taken").into_inner();
        let event = events.message().await.expect("the stream is whole").expect("it ends").event;
        assert_eq!(event, Some(Event::Result(format!("{method:?}").into())));
    }
}

#[tokio::test]
async fn a_backend_that_takes_other_handlers_says_so_to_those_who_watch_it() {
    let (running, mut client) = serve(Backend::new("changing").tool(noop("a"))).await;
    let dialer = router::Dialer::new(router::Options::default()).expect("the options are right");
    let mut health = std::pin::pin!(router::watch(running.local_addr().to_string(), dialer));
    let mut tools = async || match health.next().await {
        Some(Health::Up(description)) => {
            description.tools.into_iter().map(|tool| tool.name).collect::<Vec<_>>()
        }
        other => panic!("it is not up: {other:?}"),
    };
    assert_eq!(tools().await, ["a"]);
    let error = running
        .replacer()
        .replace(Backend::new("x").tool(noop("b")).tool(noop("b")))
        .await
        .expect_err("b twice");
    assert!(matches!(error, Error::DuplicateTool { .. }), "{error:?}");
    running.replacer().replace(Backend::new("x").tool(noop("b"))).await.expect("it is right");
    assert_eq!(tools().await, ["b"]);
    let description = client.describe(DescribeRequest {}).await.expect("it describes itself").into_inner();
    assert_eq!(description.name, "changing");
}
