//! What servers ask of clients while a call runs: by requests in the legacy era, by results in the modern one.

use super::{Scene, each, played};
use crate::peer::Peer;
use serde_json::{Value, json};

/// A question, and what a client answers; both raw.
const QUESTIONS: [(&str, &str, &str); 4] = [
    (
        "elicitation/create",
        r#"{ "mode":"form","message":"Wh\u006f?","requestedSchema":{"type":"object","properties":{}},"odd":1.50}"#,
        r#"{ "action":"accept","content":{"n":1.0},"odd":[ ]}"#,
    ),
    (
        "elicitation/create",
        r#"{ "mode":"url","message":"Go","url":"https://example.com/\u0061"}"#,
        r#"{"action":"decline"}"#,
    ),
    (
        "sampling/createMessage",
        r#"{ "messages":[{"role":"user","content":{"type":"text","text":"h\u0069"}}],"maxTokens":1e1,"odd":1.50}"#,
        r#"{ "role":"assistant","content":{"type":"text","text":"h\u006f"},"model":"m","odd":[ ]}"#,
    ),
    ("roots/list", r#"{ "odd":1.50}"#, r#"{ "roots":[{"uri":"file:///\u0061"}],"odd":[ ]}"#),
];

/// A call of which a server of this era asks this.
fn asking(server: &str, method: &str, params: &str) -> Value {
    if server == "legacy" {
        let asks = format!(r#"{{"jsonrpc":"2.0","id":"q-1","method":"{method}","params":{params}}}"#);
        let end =
            r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"answer":$ANSWER}}}"#;
        return played(&[&asks, "?", end], &[]);
    }
    let asks = format!(
        r#"{{"jsonrpc":"2.0","id":$ID,"result":{{"resultType":"input_required","inputRequests":{{"k\u0031":{{"method":"{method}","params":{params}}}}},"requestState":"own \"state\""}}}}"#
    );
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"resultType":"complete","structuredContent":{}}}"#;
    played(&[&asks], &[end])
}

/// A legacy client is asked, and answers with this; then the answer to its call. Each call of a session has an id of its own.
fn answer_request(
    peer: &mut Peer,
    (id, call): (usize, &Value),
    question: (&str, &str),
    answer: &str,
) -> Value {
    peer.send(&json!(id), "tools/call", call);
    let frame = peer.frame("a question").text().to_owned();
    let asked: Value = serde_json::from_str(&frame).expect("it is JSON");
    assert_eq!(asked["method"], question.0, "{frame}");
    assert!(frame.contains(&format!("\"params\":{}", question.1)), "{frame}");
    assert!(asked["id"].as_str().is_some_and(|id| id.starts_with("mcpw:")), "{frame}");
    peer.text(&format!(r#"{{"jsonrpc":"2.0","id":{},{answer}}}"#, asked["id"]));
    peer.answer(&json!(id))
}

/// A modern client is asked by a result, and calls again with this answer; then the result.
fn answer_result(peer: &mut Peer, call: &Value, question: (&str, &str), answer: &str) -> Value {
    peer.send(&json!(1), "tools/call", call);
    let frame = peer.frame("a question").text().to_owned();
    let asked: Value = serde_json::from_str(&frame).expect("it is JSON");
    let requests = asked["result"]["inputRequests"].as_object().unwrap_or_else(|| panic!("{frame}"));
    let (key, request) = requests.iter().next().expect("there is one");
    assert_eq!(request["method"], question.0, "{frame}");
    assert!(frame.contains(&format!("\"params\":{}", question.1)), "{frame}");
    let mut again = call.clone();
    let own: Value = serde_json::from_str(answer).expect("it is JSON");
    again["inputResponses"] = json!({ key.as_str(): own });
    again["requestState"] = asked["result"]["requestState"].clone();
    peer.send(&json!(2), "tools/call", &again);
    peer.answer(&json!(2))
}

#[test]
fn every_question_is_asked_as_the_client_knows_it_and_answered_as_the_server_does() {
    each(|scene, mut peer, [client, server]| {
        for (id, (method, params, answer)) in QUESTIONS.into_iter().enumerate() {
            let call = asking(server, method, params);
            let ended = match client {
                "legacy" => {
                    let answer = format!("\"result\":{answer}");
                    answer_request(&mut peer, (id, &call), (method, params), &answer)
                }
                _ => answer_result(&mut peer, &call, (method, params), answer),
            };
            assert!(ended["result"].is_object(), "{client} to {server}: {ended}");
            let value: Value = serde_json::from_str(answer).expect("it is JSON");
            if server == "legacy" {
                let heard = ended["result"]["structuredContent"]["answer"].as_str().unwrap_or_default();
                // A client of the tests writes a result anew; one of the legacy era does not.
                assert_eq!(serde_json::from_str::<Value>(heard).ok(), Some(value), "{ended}");
                assert!(client == "modern" || heard == answer, "{heard}");
                assert!(scene.sent("inputResponses").is_empty() && scene.sent("requestState").is_empty());
            } else {
                let sent = scene.await_sent("inputResponses");
                let sent: Value = serde_json::from_str(&sent).expect("it is JSON");
                assert_eq!(sent["params"]["inputResponses"], json!({"k1": value}), "{sent}");
                assert_eq!(sent["params"]["requestState"], "own \"state\"");
            }
        }
    });
}

#[test]
fn a_refusal_ends_the_call_or_is_the_servers_to_judge() {
    each(|_, mut peer, [client, server]| {
        if client != "legacy" {
            return;
        }
        let (method, params, _) = QUESTIONS[2];
        let refusal = r#""error":{"code":-1,"message":"User rejected","data":[ 1.0 ]}"#;
        let call = asking(server, method, params);
        let ended = answer_request(&mut peer, (1, &call), (method, params), refusal);
        let refused = json!({"code": -1, "message": "User rejected", "data": [1.0]});
        assert_eq!(ended["error"], refused, "{server}: {ended}");
    });
}

#[test]
fn a_client_is_not_asked_for_what_it_can_not_do() {
    for server in super::ERAS {
        let scene = Scene::new(server);
        for client in super::ERAS {
            for (can, cannot) in [(json!({"roots": {}}), 0), (json!({"elicitation": {}}), 1), (json!({}), 3)]
            {
                let mut peer = scene.client_with(client, &can);
                let (method, params, _) = QUESTIONS[cannot];
                peer.send(&json!(1), "tools/call", &asking(server, method, params));
                let ended = peer.answer(&json!(1));
                match (client, server) {
                    // The server is told, and goes on without.
                    (_, "legacy") => {
                        let heard = ended["result"]["structuredContent"]["answer"].to_string();
                        assert!(heard.contains("-32601") && heard.contains(method), "{ended}");
                    }
                    // It was told with the request what the client can do, and has asked all the same.
                    ("legacy", _) => {
                        let why = ended["error"]["message"].as_str().unwrap_or_default();
                        assert!(why.contains(method), "{ended}");
                    }
                    _ => assert_eq!(ended["result"]["resultType"], "input_required", "{ended}"),
                }
            }
        }
    }
}

#[test]
fn a_legacy_server_that_wants_a_page_visited_first_asks_for_it_by_a_result() {
    let scene = Scene::new("legacy");
    let error = r#"{"jsonrpc":"2.0","id":$ID,"error":{"code":-32042,"message":"Visit first","data":{"elicitations":[{"mode":"url","elicitationId":"e","url":"https://example.com/\u0061","message":"Go"}]}}}"#;
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[]}}"#;
    let call = played(&[error], &[end]);
    let mut modern = scene.client("modern");
    let asked = modern.ask("tools/call", &call);
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let requests = asked["inputRequests"].as_object().expect("an object");
    let request = requests.values().next().expect("there is one");
    assert_eq!(request["method"], "elicitation/create");
    assert_eq!(request["params"]["url"], "https://example.com/a");
    let mut plain = scene.client_with("modern", &json!({"elicitation": {}}));
    assert_eq!(plain.wrong("tools/call", &call, -32042)["message"], "Visit first");
}
