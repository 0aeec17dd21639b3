//! Servers by HTTP: what they are sent, and what comes back as events.

use crate::endpoint::Endpoint;
use crate::harness::{Bridge, params, until};
use bridge::{Secrets, Server, Settings};

#[tokio::test]
async fn servers_of_both_eras_are_spoken_with_by_http_and_shown_the_bridges_own_token() {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").expect("the folder is ours");
    for is_legacy in [true, false] {
        let endpoint = Endpoint::start(is_legacy);
        let server = Server {
            name: "web".into(),
            url: Some(endpoint.url()),
            bearer_token_file: Some(token.clone()),
            headers: Secrets([("x-team".to_owned(), "platform".to_owned())].into()),
            ..Server::default()
        };
        let bridge = Bridge::with([server]).await;
        let mut client = bridge.client().await;
        let names: Vec<String> = client.describe().await.tools.into_iter().map(|tool| tool.name).collect();
        // A tool that breaks the rules for headers is offered by no client of the modern era.
        assert_eq!(names.len(), if is_legacy { 2 } else { 1 }, "{names:?}");
        let ended = client.call("where", r#"{"region":"é"}"#).await;
        let result = ended.end.expect("it has a result");
        assert!(result.contains(r#""y":{ }"#) && result.contains("resultType"), "{result}");
        assert_eq!(
            ended.parts,
            [r#"{"method":"notifications/progress","params":{"progressToken":"mine","progress":1}}"#]
        );
        let (head, _) = endpoint.sent("tools/call").pop().expect("it was called");
        let head = head.to_ascii_lowercase();
        let has = |line: &str| head.lines().any(|has| has == line);
        assert!(has("authorization: bearer s3cret") && has("x-team: platform"), "{head}");
        assert!(has("accept: application/json, text/event-stream"), "{head}");
        assert_eq!(has("mcp-session-id: s-1"), is_legacy, "{head}");
        assert_eq!(has("mcp-protocol-version: 2025-11-25"), is_legacy, "{head}");
        for modern in [
            "mcp-protocol-version: 2026-07-28",
            "mcp-method: tools/call",
            "mcp-name: where",
            "mcp-param-region: =?base64?w6k=?=",
        ] {
            assert_eq!(has(modern), !is_legacy, "{modern}: {head}");
        }
        let is_greeted = || !endpoint.sent("notifications/initialized").is_empty();
        if is_legacy {
            until("it is told that the session has begun", is_greeted).await;
        } else {
            assert!(!is_greeted());
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_as_down() {
    let server =
        Server { name: "web".into(), url: Some("http://127.0.0.1:9/mcp".into()), ..Server::default() };
    let bridge = Bridge::with([server]).await;
    assert!(bridge.client().await.describe().await.tools.is_empty());
}

#[tokio::test]
async fn a_server_that_can_not_be_listened_to_for_a_while_is_asked_again() {
    let endpoint = Endpoint::start(true);
    let server = Server { name: "web".into(), url: Some(endpoint.url()), ..Server::default() };
    let _bridge = Bridge::with([server]).await;
    until("it is asked again", || endpoint.listened() == 2).await;
}

#[tokio::test]
async fn a_cancel_that_is_not_answered_is_not_waited_for_for_ever() {
    let endpoint = Endpoint::start(true);
    let servers = vec![Server { name: "web".into(), url: Some(endpoint.url()), ..Server::default() }];
    let bridge = Bridge::start(Settings { start_timeout_ms: 500, servers, ..Settings::default() }).await;
    let mut client = bridge.client().await;
    let call = client.begin("tools/call", "wrong", &params("wrong", "{}", "")).await;
    until("the call", || !endpoint.sent("tools/call").is_empty()).await;
    drop(call);
    until("the cancel", || !endpoint.sent("notifications/cancelled").is_empty()).await;
    until("the end of both", || endpoint.given_up() == 2).await;
}
