//! Resources, prompts and completions: whatever has them is asked.

use crate::{Peer, Server};
use backend::{Backend, Call, Failure, Handler, Mcp, Raw};
use bridge::Partial;
use serde_json::json;
use tests::{Gateway, Tools};

#[test]
fn lists_are_there_though_nothing_is_in_them() {
    let gateway = Gateway::start();
    let mut peer = Peer::modern(&gateway);
    let capabilities = peer.ask("server/discover", &json!({}))["capabilities"].take();
    for (capability, method, member) in [
        ("tools", "tools/list", "tools"),
        ("prompts", "prompts/list", "prompts"),
        ("resources", "resources/list", "resources"),
        ("resources", "resources/templates/list", "resourceTemplates"),
    ] {
        assert_eq!(capabilities[capability]["listChanged"], true, "{capabilities}");
        assert_eq!(peer.ask(method, &json!({}))[member], json!([]), "{method}");
    }
    peer.wrong("prompts/get", &json!({"name": "none"}), -32602);
    assert!(capabilities["completions"].is_null(), "{capabilities}");
    peer.wrong("completion/complete", &json!({"ref": {"type": "ref/prompt", "name": "none"}}), -32601);
}

#[test]
fn lists_are_gathered_over_servers_page_by_page() {
    let gateway = Gateway::start();
    let (one, two) = (Server::new(), Server::new());
    let _backends = [one.serve("alpha", &gateway), two.serve("beta", &gateway)];
    for mut peer in [Peer::modern(&gateway), Peer::legacy(&gateway, "2025-11-25")] {
        peer.await_tool("beta.own");
        let (mut uris, mut cursor) = (Vec::new(), None);
        loop {
            let params = cursor.map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
            let page = peer.ask("resources/list", &params);
            let resources = page["resources"].as_array().expect("a list").clone();
            uris.extend(resources.iter().map(|resource| resource["uri"].as_str().expect("a uri").to_owned()));
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(uris, ["alpha://1", "alpha://2", "beta://1", "beta://2"]);
        peer.wrong("resources/list", &json!({"cursor": "made up"}), -32602);
        let prompts = peer.ask("prompts/list", &json!({}));
        assert_eq!(prompts["prompts"], json!([{"name": "alpha.p"}, {"name": "beta.p"}]));
        assert_eq!(peer.ask("prompts/get", &json!({"name": "beta.p"}))["messages"], json!([]));
        peer.wrong("prompts/get", &json!({"name": "none"}), -32602);
        let read = peer.ask("resources/read", &json!({"uri": "beta://2"}));
        assert_eq!(read["contents"], json!([{"uri": "beta://2", "text": "beta"}]));
        let complete =
            json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": ""}});
        assert_eq!(peer.ask("completion/complete", &complete)["completion"]["values"], json!(["v"]));
    }
    Peer::modern(&gateway).wrong("resources/read", &json!({"uri": "none://1"}), -32602);
    Peer::legacy(&gateway, "2025-11-25").wrong("resources/read", &json!({"uri": "none://1"}), -32002);
}

#[test]
fn a_backend_that_fails_is_left_out_of_a_list_or_makes_it_fail_as_it_is_set() {
    for (partial, fails) in [(Partial::Tolerate, false), (Partial::Fail, true)] {
        let gateway = Gateway::with(|config| config.mcp.partial = partial);
        let server = Server::new();
        let methods = Handler::new(Mcp::methods("zeta"), |_: Call, _: Raw| async move {
            Err::<Raw, _>(Failure::unavailable("gone for lunch"))
        });
        let capabilities = Raw::parse(r#"{"resources":{}}"#.to_owned()).expect("it is JSON");
        let broken = Backend::new("zeta").method(methods).mcp(Mcp {
            capabilities,
            instructions: String::new(),
            uri_prefixes: Vec::new(),
        });
        let _broken = Tools::serve(broken, &gateway);
        let _server = server.serve("words", &gateway);
        let mut peer = Peer::modern(&gateway);
        peer.await_tool("words.own");
        let first = peer.ask("resources/list", &json!({}));
        let rest = json!({"cursor": first["nextCursor"]});
        if fails {
            let error = peer.wrong("resources/list", &rest, 4009);
            assert_eq!(error["message"], "zeta: gone for lunch");
        } else {
            assert_eq!(peer.ask("resources/list", &rest)["resources"][0]["uri"], "words://2");
        }
    }
}

#[test]
fn servers_are_asked_in_the_session_of_their_caller() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let mut legacy = Peer::legacy(&gateway, "2025-11-25");
    legacy.await_tool("words.own");
    let session = legacy.opened["_meta"]["mcpw/session"]["session_id"].as_str().expect("an id").to_owned();
    legacy.call("words.own", &json!({}));
    legacy.ask("resources/list", &json!({}));
    legacy.ask("resources/subscribe", &json!({"uri": "words://1"}));
    for method in ["tools/call", "resources/list", "subscriptions/listen"] {
        assert_eq!(server.session_of(method), session, "{method}");
    }
    // Nobody has opened one for it, and a backend that asks is told of none.
    let mut modern = Peer::modern(&gateway);
    modern.await_tool("words.own");
    modern.call("words.own", &json!({}));
    modern.ask("resources/list", &json!({}));
    modern.send(
        &json!("l"),
        "subscriptions/listen",
        &json!({"notifications": {"resourceSubscriptions": ["words://1"]}}),
    );
    modern.note("notifications/subscriptions/acknowledged");
    for method in ["tools/call", "resources/list", "subscriptions/listen"] {
        assert_eq!(server.session_of(method), "", "{method}");
    }
}
