//! What legacy clients hear on the stream of their session.

use crate::peer::heard;
use crate::{Peer, Server};
use serde_json::json;
use tests::{Contexts, Gateway, Tools, until};

const MCPW: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

#[test]
fn changes_of_what_is_offered_are_told_on_the_stream() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let mut stream = peer.listen(None);
    assert_eq!(stream.sent().data, "");
    let _server = server.serve("words", &gateway);
    let mut seen: Vec<String> =
        (0..3).map(|_| heard(&mut stream)["method"].as_str().expect("a method").to_owned()).collect();
    seen.sort_unstable();
    let expected = ["prompts", "resources", "tools"].map(|what| format!("notifications/{what}/list_changed"));
    assert_eq!(seen, expected);
}

#[test]
fn a_second_stream_takes_the_place_of_the_first() {
    let gateway = Gateway::start();
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let mut first = peer.listen(None);
    let mut second = peer.listen(None);
    first.stream_ended();
    let _tools = Tools::at(&gateway);
    assert_eq!(heard(&mut second)["method"], "notifications/tools/list_changed");
}

#[test]
fn resources_that_were_subscribed_to_are_told_of_until_they_no_longer_are() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let peer = Peer::legacy(&gateway, "2025-06-18", &json!({}));
    peer.await_tool("words.own");
    let mut stream = peer.listen(None);
    stream.sent();
    assert_eq!(peer.ask("resources/subscribe", &json!({"uri": "words://1"})), json!({}));
    crate::await_listener(&server, &["words://1".to_owned()]);
    // Once since it may have changed before the stream listens, and once since it has.
    for has_changed in [false, true] {
        if has_changed {
            server.update("words://1");
        }
        let updated = heard(&mut stream);
        assert_eq!(updated["method"], "notifications/resources/updated");
        assert_eq!(updated["params"]["uri"], "words://1");
    }
    assert_eq!(peer.ask("resources/unsubscribe", &json!({"uri": "words://1"})), json!({}));
    let most = gateway_most();
    for number in 0..most {
        assert_eq!(peer.ask("resources/subscribe", &json!({"uri": format!("words://{number}")})), json!({}));
    }
    let over =
        peer.post_own(&peer.message(&json!(1), "resources/subscribe", &json!({"uri": "words://over"})));
    assert!(over.json()["error"]["message"].as_str().is_some_and(|why| why.contains("max_subscriptions")));
}

fn gateway_most() -> usize {
    gateway::Config::default().events.max_subscriptions
}

#[test]
fn a_context_that_changes_is_told_of_and_the_stream_goes_on_where_it_stood() {
    let gateway = Gateway::start();
    let _contexts = Contexts::passing(MCPW, &gateway);
    let mut http = peer_http(&gateway);
    let id = until("contexts to be served", || {
        let answer = http.post("/contexts", &json!({"content": {"a": 1}}));
        (answer.status == 201).then(|| answer.json()["id"].as_str().expect("an id").to_owned())
    });
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let uri = format!("context://{id}");
    until("the subscription", || {
        let answer = peer.post_own(&peer.message(&json!(1), "resources/subscribe", &json!({"uri": uri})));
        (answer.json()["result"] == json!({})).then_some(())
    });
    let mut stream = peer.listen(None);
    let start = stream.sent();
    assert!(start.id.starts_with("l."), "{start:?}");
    let change = |http: &mut tests::Http, content: u32| {
        let body = json!({"content": {"a": content}}).to_string();
        let kind = [("Content-Type", "application/merge-patch+json")];
        assert_eq!(http.ask("PATCH", &format!("/contexts/{id}"), &kind, Some(&body)).status, 200);
    };
    change(&mut http, 2);
    let told = stream.event();
    assert_eq!(told.json()["params"]["uri"], json!(uri));
    drop(stream);
    change(&mut http, 3);
    let mut again = peer.listen(Some(&told.id));
    assert_eq!(heard(&mut again)["params"]["uri"], json!(uri));
    // From the beginning, both are told again.
    let mut from_start = peer.listen(Some(&start.id));
    for _ in 0..2 {
        assert_eq!(heard(&mut from_start)["params"]["uri"], json!(uri));
    }
}

fn peer_http(gateway: &Gateway) -> tests::Http {
    tests::Http::open(gateway)
}
