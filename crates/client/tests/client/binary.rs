//! `mcp.v1.binary`, written and read here byte by byte as the specification says.

use client::{Format, Update};
use fastwebsockets::OpCode;
use serde_json::{Value, json};

use crate::support::{Peer, ready};

const METHODS: [(u16, &str); 14] = [
    (1, "initialize"),
    (3, "tool.execute"),
    (7, "tool.cancel"),
    (6, "event.subscribe"),
    (12, "event.unsubscribe"),
    (13, "event.publish"),
    (14, "session.refresh"),
    (15, "echo"),
    (16, "session.close"),
    (17, "tool.progress"),
    (18, "session.migrate"),
    (19, "event"),
    (20, "event.gap"),
    (21, "session.changed"),
];

/// Binary messages as their JSON envelopes.
pub(crate) fn parse(mut bytes: &[u8]) -> Vec<Value> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(&bytes[..6], [b'M', b'C', b'P', b'W', 1, bytes[5]], "magic and version");
        assert_eq!(&bytes[6..8], [0, 0], "no flags");
        assert_eq!(&bytes[18..20], [0, 0], "reserved");
        let id = u64::from_be_bytes(bytes[8..16].try_into().expect("8 bytes"));
        let code = u16::from_be_bytes([bytes[16], bytes[17]]);
        let size = u32::from_be_bytes(bytes[20..24].try_into().expect("4 bytes")) as usize;
        let payload = &bytes[24..24 + size];
        let value: Value =
            if size == 0 { Value::Null } else { serde_json::from_slice(payload).expect("JSON") };
        let mut message = json!({"type": bytes[5], "id": id});
        if code == 0 && bytes[5] < 4 {
            message
                .as_object_mut()
                .expect("an object")
                .extend(value.as_object().expect("a named call").clone());
        } else {
            message["params"] = value;
            if let Some((_, name)) = METHODS.iter().find(|(known, _)| *known == code) {
                message["method"] = json!(name);
            }
        }
        messages.push(message);
        bytes = &bytes[24 + size..];
    }
    messages
}

/// A JSON envelope as a binary message.
pub(crate) fn build(message: &Value) -> Vec<u8> {
    let kind = u8::try_from(message["type"].as_u64().expect("a type")).expect("a small number");
    let body = ["params", "result", "error"].iter().find_map(|name| message.get(*name));
    let code = METHODS.iter().find(|(_, name)| message["method"] == *name).map_or(0, |(code, _)| *code);
    let id = message.get("id").or(message.get("seq")).and_then(Value::as_u64).unwrap_or(0);
    frame(kind, 0, id, code, body.map(Value::to_string).unwrap_or_default().as_bytes())
}

fn frame(kind: u8, flags: u16, id: u64, code: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"MCPW\x01".to_vec();
    bytes.push(kind);
    bytes.extend(flags.to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend(code.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(u32::try_from(payload.len()).expect("a small payload").to_be_bytes());
    bytes.extend(payload);
    bytes
}

#[tokio::test]
async fn a_request_is_a_header_and_bare_params() {
    let gateway = ready(async |mut peer: Peer| {
        let (opcode, bytes) = peer.frame().await;
        assert_eq!(opcode, OpCode::Binary);
        let mut expected =
            b"MCPW\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x0f\x00\x00\x00\x00\x00\x07".to_vec();
        expected.extend(b"{\"a\":1}");
        assert_eq!(bytes, expected);
        peer.write(true, OpCode::Binary, &frame(1, 0, 2, 15, b"{\"a\":1}")).await;
    })
    .await;
    let client = gateway.client().format(Format::Binary).connect().await.expect("a client");
    let result = client.request("echo", json!({"a": 1})).await.expect("a result");
    assert_eq!(result.get(), "{\"a\":1}");
    gateway.finish().await;
}

#[tokio::test]
async fn a_custom_method_and_a_timeout_are_named_in_the_payload() {
    let gateway = ready(async |mut peer: Peer| {
        let custom = peer.receive().await;
        assert_eq!(custom["method"], "workflow.run");
        peer.answer(&custom, json!(1)).await;
        let timed = peer.receive().await;
        assert_eq!((&timed["method"], &timed["meta"]["timeout_ms"]), (&json!("tool.execute"), &json!(1500)));
        peer.answer(&timed, json!(2)).await;
    })
    .await;
    let client = gateway.client().format(Format::Binary).connect().await.expect("a client");
    assert_eq!(client.request("workflow.run", ()).await.expect("a result").get(), "1");
    let request = client::Request::new("tool.execute", json!({"tool": "sleep"})).expect("params");
    let call = client.start(request.timeout(std::time::Duration::from_millis(1500))).await.expect("a call");
    assert_eq!(call.await.expect("a result").get(), "2");
    gateway.finish().await;
}

#[tokio::test]
async fn progress_errors_and_compressed_results_are_understood() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        peer.progress(&request, json!({"progress": 1, "total": 2})).await;
        let mut zlib = Vec::new();
        protocol::zlib::deflate(format!("\"{}\"", "x".repeat(5000)).as_bytes(), &mut zlib);
        let id = request["id"].as_u64().expect("a number");
        peer.write(true, OpCode::Binary, &frame(1, 1, id, 3, &zlib)).await;
        let request = peer.receive().await;
        peer.fail(&request, json!({"code": 4010, "message": "no tool x"})).await;
    })
    .await;
    let client = gateway.client().format(Format::Binary).connect().await.expect("a client");
    let mut call = client.call("tool.execute", json!({"tool": "a"})).await.expect("a call");
    assert!(matches!(call.next().await, Some(Update::Progress(progress)) if progress.total == Some(2.0)));
    assert_eq!(call.await.expect("a result").get().len(), 5002);
    let error = client.request("tool.execute", json!({"tool": "x"})).await.expect_err("an error");
    assert_eq!(error.rpc_code(), Some(protocol::ErrorCode::NotFound));
    gateway.finish().await;
}

#[tokio::test]
async fn a_batch_is_several_messages_in_one_frame() {
    let gateway = ready(async |mut peer: Peer| {
        let (_, bytes) = peer.frame().await;
        let requests = parse(&bytes);
        assert_eq!(requests.len(), 3);
        let mut answers = Vec::new();
        for request in requests.iter().rev() {
            answers.extend(build(&json!({"id": request["id"], "type": 1, "result": request["params"]})));
        }
        peer.write(true, OpCode::Binary, &answers).await;
    })
    .await;
    let client = gateway.client().format(Format::Binary).connect().await.expect("a client");
    let results = client.batch((0..3).map(|n| ("echo", n)).collect()).await;
    let results: Vec<_> =
        results.into_iter().map(|result| result.expect("a result").get().to_owned()).collect();
    assert_eq!(results, ["0", "1", "2"]);
    gateway.finish().await;
}

#[tokio::test]
async fn a_notification_of_an_unknown_number_is_told_and_harms_no_call() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        let id = request["id"].as_u64().expect("a number");
        peer.write(true, OpCode::Binary, &frame(2, 0, id, 999, b"{}")).await;
        peer.answer(&request, json!("fine")).await;
    })
    .await;
    let client = gateway.client().format(Format::Binary).connect().await.expect("a client");
    let mut notifications = client.notifications();
    assert_eq!(client.request("echo", ()).await.expect("a result").get(), "\"fine\"");
    assert!(matches!(notifications.next().await, Some(Err(client::Error::Protocol(_)))));
    gateway.finish().await;
}
