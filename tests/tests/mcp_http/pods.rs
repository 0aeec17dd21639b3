//! Several pods with one Redis: any of them serves any session, and a retry finds its answer at any.

use crate::peer::heard;
use crate::{Peer, Server};
use serde_json::json;
use tests::{Contexts, Counter, Pods, Tools, until};

const MCPW: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

#[test]
fn a_session_is_served_by_every_pod() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let server = Server::new();
    let _server = server.serve("words", &here);
    let peer = Peer::legacy(&here, "2025-11-25", &json!({"elicitation": {}}));
    let remote = peer.at(&there);
    peer.await_tool("words.own");
    remote.await_tool("words.own");
    // A question of one pod is answered at the other.
    let params = json!({"name": "words.own", "arguments": {"do": "ask"}});
    let mut http = peer.stream(&json!(5), "tools/call", &params);
    let asked = heard(&mut http);
    let answer = json!({"action": "decline"});
    assert_eq!(remote.post_own(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer})).status, 202);
    assert_eq!(heard(&mut http)["result"]["structuredContent"]["who"], answer);
    // The stream of one pod hears of what was subscribed to at the other.
    let mut stream = peer.listen(None);
    stream.sent();
    assert_eq!(remote.ask("resources/subscribe", &json!({"uri": "words://1"})), json!({}));
    crate::await_listener(&server, &["words://1".to_owned()]);
    let updated = heard(&mut stream);
    assert_eq!(updated["params"]["uri"], "words://1", "told once, since it may have changed: {updated}");
    server.update("words://1");
    let updated = heard(&mut stream);
    assert_eq!(updated["params"]["uri"], "words://1", "{updated}");
    // A stream at the other pod takes its place.
    let mut second = remote.listen(None);
    stream.stream_ended();
    second.sent();
    assert_eq!(peer.delete().status, 204);
    second.stream_ended();
    assert_eq!(remote.post_own(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).status, 404);
}

#[test]
fn subscriptions_that_are_made_at_once_are_all_there() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let server = Server::new();
    let _server = server.serve("words", &here);
    let peer = Peer::legacy(&here, "2025-11-25", &json!({}));
    peer.await_tool("words.own");
    let mut stream = peer.listen(None);
    stream.sent();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let peer = peer.at(if number % 2 == 0 { &here } else { &there });
            scope
                .spawn(move || peer.ask("resources/subscribe", &json!({"uri": format!("words://{number}")})));
        }
    });
    let all: Vec<String> = (0..8).map(|number| format!("words://{number}")).collect();
    crate::await_listener(&server, &all);
    // Each is told once first, since it may have changed before the stream listens.
    let mut told: Vec<String> =
        (0..8).map(|_| heard(&mut stream)["params"]["uri"].as_str().unwrap_or_default().to_owned()).collect();
    told.sort();
    assert_eq!(told, all);
    for number in 0..8 {
        server.update(&format!("words://{number}"));
        assert_eq!(heard(&mut stream)["params"]["uri"], format!("words://{number}"));
    }
}

#[test]
fn a_retry_finds_its_answer_at_another_pod() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let counter = Counter::new();
    let _tools = Tools::serve(counter.backend(), &here);
    let peer = Peer::modern(&here);
    let remote = peer.at(&there);
    peer.await_tool("count.once");
    remote.await_tool("count.once");
    let meta = json!({"mcpw/idempotencyKey": "k"});
    let params = json!({"name": "count.once", "arguments": {"key": "a", "held": true}, "_meta": meta});
    let lost = peer.send_own(crate::peer::BOTH, &[], &peer.message(&json!(1), "tools/call", &params));
    counter.await_executed("a", 1);
    drop(lost);
    let waits = std::thread::spawn({
        let params = params.clone();
        move || remote.ask("tools/call", &params)
    });
    counter.let_go();
    let result = waits.join().expect("it is answered");
    assert_eq!(result["structuredContent"]["executed"], 1, "{result}");
    assert_eq!(peer.ask("tools/call", &params)["structuredContent"]["executed"], 1);
    assert_eq!(counter.executed("a"), 1);
}

#[test]
fn a_call_of_a_session_is_found_and_cancelled_at_another_pod() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let counter = Counter::new();
    let _tools = Tools::serve(counter.backend(), &here);
    let peer = Peer::legacy(&here, "2025-11-25", &json!({}));
    let remote = peer.at(&there);
    peer.await_tool("count.once");
    let params = json!({"name": "count.once", "arguments": {"key": "a", "held": true}});
    let mut http = peer.send_own("text/event-stream", &[], &peer.message(&json!("x"), "tools/call", &params));
    crate::peer::check_stream(&mut http);
    let primer = http.sent();
    counter.await_executed("a", 1);
    let mut again = remote.listen(Some(&primer.id));
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "x"}});
    assert_eq!(remote.post_own(&cancel).status, 202);
    assert_eq!(heard(&mut again)["error"]["code"], 4008);
}

#[test]
fn an_answer_whose_pod_is_gone_is_not_taken() {
    let pods = Pods::new();
    let (doomed, other) = (pods.process(env!("CARGO_BIN_EXE_mcpw-under-test")), pods.pod());
    let server = Server::new();
    let _server = server.serve("words", &other);
    let peer = Peer::legacy(&doomed, "2025-11-25", &json!({"elicitation": {}}));
    peer.await_tool("words.own");
    let params = json!({"name": "words.own", "arguments": {"do": "ask"}});
    let asked = heard(&mut peer.stream(&json!(5), "tools/call", &params));
    doomed.end();
    let remote = peer.at(&other);
    let reply = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "decline"}});
    until("the pod to be gone", || (remote.post_own(&reply).status == 400).then_some(()));
}

#[test]
fn an_answer_that_no_other_pod_can_be_told_is_too_large() {
    let pods = Pods::new();
    let pod = || pods.pod_with(|config| config.store.bounds.message_bytes = 1_024);
    let (here, there) = (pod(), pod());
    let server = Server::new();
    let _server = server.serve("words", &here);
    let peer = Peer::legacy(&here, "2025-11-25", &json!({"elicitation": {}}));
    peer.await_tool("words.own");
    let params = json!({"name": "words.own", "arguments": {"do": "ask"}});
    let mut http = peer.stream(&json!(5), "tools/call", &params);
    let asked = heard(&mut http);
    let reply = |name: &str| json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"name": name}}});
    let remote = peer.at(&there);
    assert_eq!(remote.post_own(&reply(&"x".repeat(2_000))).status, 413);
    assert_eq!(remote.post_own(&reply("x")).status, 202);
    assert_eq!(heard(&mut http)["result"]["structuredContent"]["who"]["content"], json!({"name": "x"}));
}

#[test]
fn who_listens_to_a_context_while_the_store_is_away_hears_of_it_once_it_is_back() {
    let mut pods = Pods::new();
    let pod = pods.pod_with(|config| config.runtime.shards = 1);
    let _contexts = Contexts::passing(MCPW, &pod);
    let peer = Peer::modern(&pod);
    until("contexts to be served", || {
        let listed = peer.ask("resources/templates/list", &json!({}));
        (listed["resourceTemplates"] != json!([])).then_some(())
    });
    pods.redis.kill();
    let uri = "context://01900000-0000-7000-8000-000000000000";
    let wish = json!({"notifications": {"resourceSubscriptions": [uri]}});
    let mut stream = peer.stream(&json!("l"), "subscriptions/listen", &wish);
    let acknowledged = heard(&mut stream);
    assert_eq!(acknowledged["params"]["notifications"], wish["notifications"], "{acknowledged}");
    pods.redis.restart();
    // What has happened meanwhile is not known.
    let told = heard(&mut stream);
    assert_eq!(told["params"]["uri"], uri, "{told}");
}
