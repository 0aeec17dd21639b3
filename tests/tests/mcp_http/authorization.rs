//! How clients find out where tokens come from, and what they may not do.

use crate::Peer;
use auth::Claims;
use serde_json::json;
use tests::{Gateway, Http, Keys, Tools};

fn configured() -> Gateway {
    Gateway::with(|config| {
        config.mcp.resource = Some("https://mcp.example.com/mcp".to_owned());
        config.mcp.authorization_servers = vec!["https://login.example.com".to_owned()];
        config.mcp.scopes = vec!["tools".to_owned()];
    })
}

/// Without a token.
fn get(gateway: &Gateway, path: &str) -> tests::Response {
    let mut http = Http::with_token(gateway, "");
    http.send_at("GET", path, &[], None);
    http.response()
}

#[test]
fn whoever_has_no_token_is_told_where_they_are_given_out() {
    let gateway = configured();
    let answer = Peer::modern(&gateway).with_token("").post(&[], &json!({}));
    assert_eq!(answer.status, 401);
    assert!(answer.json()["error"]["message"].is_string());
    let challenge = answer.header("WWW-Authenticate").expect("a challenge");
    let metadata = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(challenge.contains(&format!("resource_metadata=\"{metadata}\"")), "{challenge}");
    assert!(challenge.contains("scope=\"tools\""), "{challenge}");
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        let answer = get(&gateway, path);
        assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
        assert_eq!(
            answer.json(),
            json!({
                "resource": "https://mcp.example.com/mcp",
                "authorization_servers": ["https://login.example.com"],
                "scopes_supported": ["tools"],
                "bearer_methods_supported": ["header"],
                "resource_name": "mcpw",
            })
        );
    }
    get(&gateway, "/.well-known/oauth-protected-resource/other").problem(404, 4004);
    let answer = Peer::modern(&gateway).with_token("x.y.z").post(&[], &json!({}));
    let challenge = answer.header("WWW-Authenticate").expect("a challenge");
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
}

#[test]
fn where_nothing_is_configured_there_is_no_metadata() {
    let gateway = Gateway::start();
    get(&gateway, "/.well-known/oauth-protected-resource").problem(404, 4004);
    let answer = Peer::modern(&gateway).with_token("").post(&[], &json!({}));
    assert_eq!((answer.status, answer.header("WWW-Authenticate")), (401, Some("Bearer realm=\"mcpw\"")));
}

#[test]
fn a_scope_that_is_missing_is_named_by_the_challenge() {
    let gateway = configured();
    let guarded = |_call: backend::Call, _args: backend::Raw| async move { Ok(backend::Json(json!({}))) };
    let tool = backend::Tool::new("guarded", guarded).scope("vault:open");
    let _tools = Tools::serve(backend::Backend::new("vault").tool(tool), &gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("guarded");
    let scopes = vec!["other".to_owned()];
    let token = gateway.keys.mint(&Claims { scopes, ..Keys::claims() });
    let powerless = peer.with_token(&token);
    let listed = powerless.ask("tools/list", &json!({}));
    assert_eq!(listed["tools"], json!([]));
    let call = powerless.message(&json!(1), "tools/call", &json!({"name": "guarded", "arguments": {}}));
    let answer = powerless.post_own(&call);
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(answer.json()["id"], 1);
    let challenge = answer.header("WWW-Authenticate").expect("a challenge");
    for part in ["error=\"insufficient_scope\"", "scope=\"vault:open\"", "resource_metadata="] {
        assert!(challenge.contains(part), "{challenge}");
    }
}
