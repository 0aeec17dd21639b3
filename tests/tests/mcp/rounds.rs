//! A legacy client that is lost in whichever round of a call that asks for input: it is asked again where it comes back, or gets
//! what it has come to.

use crate::Peer;
use crate::resume::resume;
use backend::{Backend, Call, Raw, Tool};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tests::{Draft, Endpoints, Gateway, Opcode, Pods, Tools, until};
use tokio::sync::watch;

/// A server whose tool asks in two rounds, and waits in the third until it is let go.
#[derive(Clone)]
struct Questions {
    /// The `requestState` of each call that it was sent.
    states: Arc<Mutex<Vec<Value>>>,
    open: watch::Sender<bool>,
}

impl Questions {
    fn new() -> Self {
        Self { states: Arc::default(), open: watch::Sender::new(false) }
    }

    fn serve(&self, gateway: &Endpoints) -> Tools {
        let server = self.clone();
        let listed = r#"{"name":"questions","inputSchema":{"type":"object"}}"#;
        let listed = Raw::parse(listed).expect("it is JSON");
        let tool = Tool::mcp("questions", listed, move |_call: Call, params: Raw| {
            let server = server.clone();
            async move { Ok(server.answer(&params).await) }
        });
        Tools::serve(Backend::new("questions").tool(tool), gateway)
    }

    async fn answer(&self, params: &Raw) -> Raw {
        let params: Value = serde_json::from_slice(params.as_bytes()).expect("it is JSON");
        let state = params["requestState"].clone();
        self.states.lock().expect("nobody panics with it").push(state.clone());
        let ask = |question: &str, state: &str| {
            json!({
                "resultType": "input_required", "requestState": state,
                "inputRequests": {"q": {"method": "elicitation/create", "params": {"mode": "form", "message": question, "requestedSchema": {"type": "object", "properties": {}}}}},
            })
        };
        let result = match state.as_str() {
            None => ask("First?", "1"),
            Some("1") => ask("Second?", "2"),
            Some(_) => {
                // The sender lives as long as the server.
                let _ = self.open.subscribe().wait_for(|open| *open).await;
                let answers = params["inputResponses"]["q"].clone();
                json!({"resultType": "complete", "content": [], "structuredContent": {"last": answers}})
            }
        };
        Raw::parse(result.to_string()).expect("it is JSON")
    }

    fn await_states(&self, expected: &[Value]) {
        until(&format!("the server to be called with {expected:?}"), || {
            (*self.states.lock().expect("nobody panics with it") == expected).then_some(())
        });
    }
}

fn call() -> Value {
    json!({"name": "questions", "arguments": {}})
}

fn accept(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

/// The next message, which asks this; its id.
#[track_caller]
fn asked(peer: &mut Peer, question: &str) -> Value {
    let asked = peer.message();
    assert_eq!(
        (&asked["method"], &asked["params"]["message"]),
        (&json!("elicitation/create"), &json!(question)),
        "{asked}"
    );
    asked["id"].clone()
}

#[track_caller]
fn answer(peer: &mut Peer, question: &str, name: &str) {
    let id = asked(peer, question);
    peer.json(&json!({"jsonrpc": "2.0", "id": id, "result": accept(name)}));
}

/// The session at this gateway, in which the call of id 5 is sent again.
#[track_caller]
fn come_back(gateway: &Endpoints, opened: &Value) -> Peer {
    let mut peer = Peer::initialize(gateway, "2025-11-25", &resume(opened, &json!([5])));
    let session = &peer.opened["_meta"]["mcpw/session"];
    assert_eq!((&session["resumed"], &session["resend"]), (&json!(true), &json!([5])), "{session}");
    peer.send(&json!(5), "tools/call", &call());
    peer
}

#[test]
fn a_client_that_is_lost_while_it_is_asked_is_asked_again_and_each_round_is_made_once() {
    let (pods, server) = (Pods::new(), Questions::new());
    let (one, two) = (pods.pod(), pods.pod());
    let _tools = server.serve(&one);
    let mut first = Peer::legacy(&one, "2025-11-25");
    first.await_tool("questions");
    Peer::modern(&two).await_tool("questions");
    first.send(&json!(5), "tools/call", &call());
    asked(&mut first, "First?");
    let opened = first.opened.clone();
    first.cut();

    // In the first round, at another pod.
    let mut second = come_back(&two, &opened);
    answer(&mut second, "First?", "a");
    asked(&mut second, "Second?");
    let opened = second.opened.clone();
    second.cut();

    // In the second, at the first pod; what was answered is not asked again.
    let mut third = come_back(&one, &opened);
    answer(&mut third, "Second?", "b");
    server.await_states(&[Value::Null, json!("1"), json!("2")]);
    let opened = third.opened.clone();
    third.cut();

    // While the third runs, at the other.
    let mut fourth = come_back(&two, &opened);
    server.open.send_replace(true);
    assert_eq!(fourth.result(&json!(5))["structuredContent"]["last"], accept("b"));
    let opened = fourth.opened.clone();
    fourth.cut();

    // After it has ended.
    let mut fifth = come_back(&one, &opened);
    assert_eq!(fifth.result(&json!(5))["structuredContent"]["last"], accept("b"));
    server.await_states(&[Value::Null, json!("1"), json!("2")]);
}

#[test]
fn what_answers_a_question_of_an_earlier_round_answers_no_later_one() {
    let (gateway, server) = (Gateway::start(), Questions::new());
    let _tools = server.serve(&gateway);
    server.open.send_replace(true);
    let mut peer = Peer::legacy(&gateway, "2025-11-25");
    peer.await_tool("questions");
    peer.send(&json!(5), "tools/call", &call());
    let first = asked(&mut peer, "First?");
    peer.json(&json!({"jsonrpc": "2.0", "id": first, "result": accept("a")}));
    let second = asked(&mut peer, "Second?");
    assert_ne!(first, second, "an id is used once in a session");
    peer.json(&json!({"jsonrpc": "2.0", "id": first, "result": accept("late")}));
    peer.json(&json!({"jsonrpc": "2.0", "id": second, "result": accept("b")}));
    assert_eq!(peer.result(&json!(5))["structuredContent"]["last"], accept("b"));
}

#[test]
fn a_client_whose_pod_is_killed_while_it_is_asked_is_asked_again_at_another() {
    let (pods, server) = (Pods::new(), Questions::new());
    let doomed = pods.process(env!("CARGO_BIN_EXE_mcpw-under-test"));
    let other = pods.pod();
    let _tools = server.serve(&other);
    let mut first = Peer::legacy(&doomed, "2025-11-25");
    first.await_tool("questions");
    first.send(&json!(5), "tools/call", &call());
    answer(&mut first, "First?", "a");
    asked(&mut first, "Second?");
    // Once another call has begun the store has heard of the question.
    first.send(&json!(6), "tools/call", &call());
    asked(&mut first, "First?");
    doomed.end();
    let mut second = come_back(&other, &first.opened);
    answer(&mut second, "Second?", "b");
    server.open.send_replace(true);
    assert_eq!(second.result(&json!(5))["structuredContent"]["last"], accept("b"));
    server.await_states(&[Value::Null, json!("1"), Value::Null, json!("2")]);
}

#[test]
fn the_journal_forgets_all_rounds_once_the_client_has_its_answer() {
    let server = Questions::new();
    let gateway = Gateway::with(|config| config.session.acknowledge_after_ms = 1);
    let _tools = server.serve(&gateway);
    let mut peer = Peer::legacy(&gateway, "2025-11-25");
    peer.await_tool("questions");
    server.open.send_replace(true);
    for _ in 0..2 {
        peer.send(&json!(5), "tools/call", &call());
        answer(&mut peer, "First?", "a");
        answer(&mut peer, "Second?", "b");
        peer.result(&json!(5));
        let ping = peer.frame_of(Opcode::PING, "a ping that asks what has come");
        peer.draft(&Draft::new(Opcode::PONG, &ping.payload));
        // The pong stands before what follows, so that the id is a fresh one in each of its rounds.
        peer.ask("ping", &json!({}));
    }
    let round = [Value::Null, json!("1"), json!("2")];
    server.await_states(&[round.clone(), round].concat());
}
