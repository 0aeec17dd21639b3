//! What travels to servers of both eras and back, byte by byte.

use crate::harness::{Bridge, PATIENCE, fixture, params};
use serde_json::Value;

const ERAS: [&str; 2] = ["legacy", "modern"];

#[tokio::test]
async fn tools_are_described_with_all_that_their_server_says_of_them() {
    for era in ERAS {
        let bridge = Bridge::with([fixture("one", era)]).await;
        let description = bridge.client().await.describe().await;
        let tool = description.tools.iter().find(|tool| tool.name == "echo").expect("there is one");
        assert_eq!(
            tool.mcp,
            r#"{"name":"echo","inputSchema":{"type":"object"},"x-unknown":[1.0, "\u0061"],"_meta":{"a/b":{ }}}"#
        );
        assert!(description.tools.iter().any(|tool| tool.name == "odd_name_1"), "{:?}", description.tools);
        let cancels = description.tools.iter().find(|tool| tool.name == "cancels").expect("there is one");
        assert!(cancels.annotations.is_some_and(|hints| hints.read_only && !hints.destructive));
        assert!(tool.annotations.is_some_and(|hints| !hints.read_only && hints.destructive));
        let mcp = description.mcp.expect("it is one of the protocol");
        assert_eq!(mcp.instructions, if era == "modern" { "Be modern." } else { "" });
    }
}

#[tokio::test]
async fn unknown_members_survive_byte_for_byte_both_ways() {
    for era in ERAS {
        let bridge = Bridge::with([fixture("one", era)]).await;
        let mut client = bridge.client().await;
        let arguments = r#"{ "a" : 1.0,"b":[ ],"\u0063":1e2 }"#;
        let result = client.call("echo", arguments).await.end.expect("it has a result");
        assert!(result.contains(&format!(r#""arguments":{arguments}"#)), "{era}: {result}");
        assert!(result.contains(r#""y-unknown":{ "b" : 2.50 }"#), "{era}: {result}");
        assert!(result.contains(r#""resultType":"complete""#), "{era}: {result}");
        let read: Value = serde_json::from_str(&result).expect("it is JSON");
        let meta = &read["structuredContent"]["params"]["_meta"];
        let said_modern = meta.get("io.modelcontextprotocol/protocolVersion").is_some();
        assert_eq!(said_modern, era == "modern", "{meta}");
        assert_ne!(meta["progressToken"], "mine", "the bridge has tokens of its own");
        let odd = client.call("odd_name_1", "{}").await.end.expect("it has a result");
        assert!(odd.contains(r#""name":"odd name/1""#), "{odd}");
    }
}

#[tokio::test]
async fn progress_comes_with_the_callers_own_token() {
    for era in ERAS {
        let bridge = Bridge::with([fixture("one", era)]).await;
        let mut client = bridge.client().await;
        let ended = client.call("progress", "{}").await;
        let part = |done: u8| {
            format!(
                r#"{{"method":"notifications/progress","params":{{"progressToken":"mine","progress":{done}.0,"total":2,"z":[ ]}}}}"#
            )
        };
        assert_eq!(ended.parts, [part(1), part(2)], "{era}");
        let plain = client.ask("tool.execute", "progress", "{}").await;
        assert_eq!(plain.parts, ["1.0", "2.0"], "{era}");
        assert!(plain.end.expect("it has a result").contains("content"));
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_its_server() {
    for era in ERAS {
        let bridge = Bridge::with([fixture("one", era)]).await;
        let mut client = bridge.client().await;
        let slow = client.begin("tools/call", "slow", &params("slow", "{}", "")).await;
        // Calls are carried in order, so the slow one is there.
        client.call("echo", "{}").await.end.expect("it has a result");
        drop(slow);
        let told = async {
            loop {
                let count = client.call("cancels", "{}").await.end.expect("it has a result");
                if count.contains(r#""cancelled":1"#) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the server is told");
    }
}

#[tokio::test]
async fn an_error_of_the_server_is_passed_on_as_it_was_written() {
    for era in ERAS {
        let bridge = Bridge::with([fixture("one", era)]).await;
        let error = bridge.client().await.call("fail", "{}").await.end.expect_err("it fails");
        assert_eq!(error.details, r#"{"mcp":{"code":-32050,"message":"no luck","data":{ "why" : 1.0 }}}"#);
        assert_eq!((error.code, error.message.as_str()), (4003, "no luck"));
    }
}

#[tokio::test]
async fn a_legacy_servers_question_parks_the_call_until_its_own_caller_answers() {
    let bridge = Bridge::with([fixture("one", "legacy")]).await;
    let mut client = bridge.client().await;
    let asked = client.call("ask", r#"{"n":1}"#).await.end.expect("it asks");
    assert!(asked.contains(r#""params":{ "message":"Who?","#), "{asked}");
    let asked: Value = serde_json::from_str(&asked).expect("it is JSON");
    assert_eq!(
        (&asked["resultType"], &asked["inputRequests"]["input"]["method"]),
        (&"input_required".into(), &"elicitation/create".into())
    );
    let state = asked["requestState"].as_str().expect("there is a state");
    let more = format!(r#","inputResponses":{{"input":{{"action":"accept"}}}},"requestState":"{state}""#);
    // With other arguments it is another call.
    let error = client
        .ask("tools/call", "ask", &params("ask", r#"{"n":2}"#, &more))
        .await
        .end
        .expect_err("not its own");
    assert_eq!(error.code, 4005);
    let result =
        client.ask("tools/call", "ask", &params("ask", r#"{"n":1}"#, &more)).await.end.expect("it goes on");
    assert!(result.contains(r#"{\"action\":\"accept\"}"#), "{result}");
    // A state is for one use.
    client.ask("tools/call", "ask", &params("ask", r#"{"n":1}"#, &more)).await.end.expect_err("it is used");
}

#[tokio::test]
async fn a_modern_servers_question_is_passed_through() {
    let bridge = Bridge::with([fixture("one", "modern")]).await;
    let mut client = bridge.client().await;
    let asked = client.call("ask", "{}").await.end.expect("it asks");
    assert!(asked.contains(r#""requestState":"own state""#), "{asked}");
    let more = r#","inputResponses":{"name":{"action":"decline"}},"requestState":"own state""#;
    let result = client.ask("tools/call", "ask", &params("ask", "{}", more)).await.end.expect("it goes on");
    assert!(result.contains(r#"{\"action\":\"decline\"}"#), "{result}");
}

#[tokio::test]
async fn who_can_not_be_asked_is_not() {
    for era in ERAS {
        let bridge = Bridge::with([fixture("one", era)]).await;
        let error = bridge
            .client()
            .await
            .ask("tool.execute", "ask", "{}")
            .await
            .end
            .expect_err("nobody can be asked");
        assert_eq!(error.code, 4009, "{era}");
        assert!(error.message.contains("only a client of Model Context Protocol"), "{}", error.message);
    }
    let bridge = Bridge::with([fixture("one", "legacy")]).await;
    let plain = r#"{"name":"ask","arguments":{}}"#;
    let result = bridge.client().await.ask("tools/call", "ask", plain).await.end.expect("the server goes on");
    assert!(result.contains("-32601"), "{result}");
}

#[tokio::test]
async fn two_servers_with_the_same_names_are_told_apart() {
    let bridge = Bridge::with([fixture("one", "legacy"), fixture("two", "modern")]).await;
    let mut client = bridge.client().await;
    let names: Vec<String> = client.describe().await.tools.into_iter().map(|tool| tool.name).collect();
    assert!(
        names.contains(&"one__echo".to_owned()) && names.contains(&"two__odd_name_1".to_owned()),
        "{names:?}"
    );
    for (tool, is_modern) in [("one__echo", false), ("two__echo", true)] {
        let result = client.call(tool, "{}").await.end.expect("it has a result");
        assert!(result.contains(r#""name":"echo""#), "{result}");
        assert_eq!(result.contains("protocolVersion"), is_modern, "{result}");
    }
    let slow = client.begin("tools/call", "one__slow", &params("one__slow", "{}", "")).await;
    // With two calls under way nobody knows whom a shared child means.
    let result = client.call("one__ask", "{}").await.end.expect("the server goes on");
    assert!(result.contains("several calls run"), "{result}");
    drop(slow);
}
