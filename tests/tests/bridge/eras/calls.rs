//! Calls, and all that is read by name: what is asked and what is answered keeps its bytes.

use super::{Scene, each, played};
use serde_json::{Value, json};

/// What a modern client says of itself in each request.
const META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#;

/// A `_meta` as a client of this era writes it, with a member of its own.
fn meta(era: &str) -> String {
    match era {
        "modern" => format!(r#"{{ "own/key" : [ 2.50 ],{META}}}"#),
        _ => r#"{ "own/key" : [ 2.50 ]}"#.to_owned(),
    }
}

/// Checks a result: these bytes are in it, and what only modern clients know is where it belongs.
fn check(frame: &str, parts: &[&str], era: &str) {
    parts.iter().for_each(|part| assert!(frame.contains(part), "{era}: {part} in {frame}"));
    for modern in ["resultType", "io.modelcontextprotocol/serverInfo"] {
        assert_eq!(frame.contains(modern), era == "modern", "{modern} for {era}: {frame}");
    }
}

#[test]
fn calls_and_results_keep_every_byte() {
    each(|scene, mut peer, [client, server]| {
        let arguments = r#"{ "a" : 1.0,"\u0062":[ 1e2 ], "c":"\u00e9/\/" }"#;
        let params =
            format!(r#"{{"name":"echo","arguments":{arguments}, "later" : {{ }},"_meta":{}}}"#, meta(client));
        peer.text(&format!(r#"{{"jsonrpc":"2.0","id":"\u0031","method":"tools/call","params":{params}}}"#));
        let frame = peer.frame("a result").text().to_owned();
        check(&frame, &[r#""y-unknown":{ "b" : 2.50 }"#, r#""content":[ ]"#], client);
        let sent = scene.await_sent("tools/call");
        for part in [arguments, r#""later" : { }"#, r#""own/key" : [ 2.50 ]"#] {
            assert!(sent.contains(part), "{client} to {server}: {part} in {sent}");
        }
        for modern in ["protocolVersion", "clientCapabilities", "clientInfo"] {
            let key = format!("io.modelcontextprotocol/{modern}");
            assert_eq!(sent.contains(&key), server == "modern", "{client} to {server}: {key} in {sent}");
        }
    });
}

#[test]
fn tools_are_listed_as_their_server_lists_them() {
    each(|_, mut peer, [client, _]| {
        peer.send(&json!(1), "tools/list", &json!({}));
        let frame = peer.frame("a list").text().to_owned();
        let own = r#"{"name":"echo","inputSchema":{"type":"object"},"x-unknown":[1.0, "\u0061"],"_meta":{"a/b":{ }}}"#;
        check(&frame, &[own, r#""_meta":{"ui":{"resourceUri":"ui://view"}}"#], client);
        assert_eq!(frame.contains("\"ttlMs\":0,\"cacheScope\":\"private\""), client == "modern", "{frame}");
    });
}

#[test]
fn resources_prompts_and_completions_keep_every_byte() {
    each(|scene, mut peer, [client, server]| {
        let own = r#""own":{ "a" : 2e1 }"#;
        let asked = [
            ("resources/read", r#""uri":"fix:\/\/1""#, [r#""text":"h\u0069","odd":1.0"#, own]),
            ("resources/read", r#""uri":"ui://view""#, [r#""uri":"ui://view","text""#, own]),
            ("prompts/get", r#""name":"greet","arguments":{ "a" : "\u0031" }"#, [r#""messages":[ ]"#, own]),
            (
                "completion/complete",
                r#""ref":{ "type" : "ref/prompt","name":"greet","odd":1.0},"argument":{ "name" : "a","value":"\u0031"},"context":{"arguments":{ }}"#,
                [r#""values":["v\u0031"]"#, r#""odd":1.0"#],
            ),
            (
                "completion/complete",
                r#""ref":{ "type" : "ref/resource","uri":"fix://{id}"},"argument":{"name":"id","value":"\u0031"}"#,
                [r#""values":["v\u0031"]"#, r#""odd":1.0"#],
            ),
        ];
        for (id, (method, params, parts)) in asked.into_iter().enumerate() {
            let all = format!(r#"{{{params}, "later" : {{ }},"_meta":{}}}"#, meta(client));
            peer.text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{all}}}"#));
            let frame = peer.frame("a result").text().to_owned();
            check(&frame, &parts, client);
            let sent = scene.await_sent(&format!("\"{method}\""));
            for part in [params, r#""later" : { }"#, r#""own/key" : [ 2.50 ]"#] {
                assert!(sent.contains(part), "{client} to {server}: {part} in {sent}");
            }
        }
    });
}

#[test]
fn errors_of_servers_pass_as_they_are() {
    each(|_, mut peer, _| {
        peer.send(&json!(1), "tools/call", &json!({"name": "fail", "arguments": {}}));
        let frame = peer.frame("an error").text().to_owned();
        let error = r#""error":{"code":-32050,"message":"no luck","data":{ "why" : 1.0 }}"#;
        assert!(frame.contains(error), "{frame}");
    });
}

#[test]
fn a_resource_that_is_not_there_has_the_code_of_the_clients_era() {
    each(|_, mut peer, [client, _]| {
        let code = if client == "legacy" { -32002 } else { -32602 };
        let error = peer.wrong("resources/read", &json!({"uri": "fix://none"}), code);
        assert_eq!(error["data"], json!({"own": 1.0}));
    });
}

#[test]
fn tools_of_both_eras_have_structured_content_that_their_clients_know() {
    each(|_, mut peer, [client, _]| {
        for (id, content, is_object) in [(1, "[ 1.0 ]", false), (2, r#"{ "a" : 1.0 }"#, true)] {
            let line = format!(
                r#"{{"jsonrpc":"2.0","id":$ID,"result":{{"content":[],"structuredContent":{content},"resultType":"complete"}}}}"#
            );
            peer.send(&json!(id), "tools/call", &played(&[&line], &[]));
            let frame = peer.frame("a result").text().to_owned();
            let is_there = frame.contains(&format!(r#""structuredContent":{content}"#));
            assert_eq!(is_there, is_object || client == "modern", "{frame}");
        }
    });
}

#[test]
fn what_a_server_asks_of_itself_is_answered_by_the_bridge() {
    let scene = Scene::new("legacy");
    let mut peer = scene.client("modern");
    let ping = r#"{"jsonrpc":"2.0","id":"p-1","method":"ping"}"#;
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"answer":$ANSWER}}}"#;
    let result = peer.ask("tools/call", &played(&[ping, "?", end], &[]));
    assert_eq!(result["structuredContent"]["answer"], Value::from("{}"));
}
