//! What the client does with frames: fragments, pings, and all that a server must not send.

use client::{Error, Format};
use fastwebsockets::OpCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Peer, ready};

#[tokio::test]
async fn a_fragmented_answer_with_a_ping_and_a_split_letter_inside_is_one_answer() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        let answer = json!({"id": request["id"], "type": 1, "result": "größe"}).to_string();
        let letter = answer.find('ö').expect("the letter");
        peer.write(false, OpCode::Text, &answer.as_bytes()[..=letter]).await;
        peer.write(true, OpCode::Ping, b"alive?").await;
        assert_eq!(peer.frame().await, (OpCode::Pong, b"alive?".to_vec()));
        peer.write(false, OpCode::Continuation, b"").await;
        peer.write(true, OpCode::Continuation, &answer.as_bytes()[letter + 1..]).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    assert_eq!(client.request("echo", ()).await.expect("a result").get(), "\"größe\"");
    gateway.finish().await;
}

#[tokio::test]
async fn an_answer_in_chunks_of_one_byte_is_one_answer() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        let answer = json!({"id": request["id"], "type": 1, "result": "x".repeat(200)}).to_string();
        let size = u16::try_from(answer.len()).expect("a small answer").to_be_bytes();
        let mut frame = vec![0x81, 126, size[0], size[1]];
        frame.extend(answer.as_bytes());
        let mut stream = peer
            .into_stream()
            .into_inner()
            .downcast::<hyper_util::rt::TokioIo<tokio::net::TcpStream>>()
            .expect("TCP")
            .io
            .into_inner();
        stream.set_nodelay(true).expect("TCP");
        for byte in frame {
            stream.write_all(&[byte]).await.expect("the client reads");
            // Other tasks, the client's reader among them, run between two bytes.
            tokio::task::yield_now().await;
        }
        let _ = stream.read_u8().await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    // Its own traffic must not disturb the read that is half done.
    let call = client.call("echo", ()).await.expect("a call");
    for n in 0..50 {
        client.notify("noise", n).await.expect("sent");
        tokio::task::yield_now().await;
    }
    assert_eq!(call.await.expect("a result").get().len(), 202);
    drop(client);
    gateway.finish().await;
}

#[tokio::test]
async fn a_large_answer_passes_up_to_the_limit() {
    let body = "x".repeat(3 << 20);
    let size = json!({"id": 2, "type": 1, "result": body}).to_string().len();
    for (limit, passes) in [(size, true), (size - 1, false)] {
        let body = body.clone();
        let gateway = ready(async move |mut peer: Peer| {
            let request = peer.receive().await;
            peer.answer(&request, json!(body)).await;
            assert_eq!(peer.close_frame().await.0, if passes { 1000 } else { 1009 });
        })
        .await;
        let client = gateway.client().max_message_size(limit).connect().await.expect("a client");
        let result = client.request("echo", ()).await;
        assert_eq!(result.is_ok(), passes, "{limit}");
        drop(client);
        gateway.finish().await;
    }
}

/// The server sends these bytes; the client closes with the code and says why.
async fn check(format: Format, bytes: Vec<u8>, code: u16, reason: &str) {
    let gateway = ready(async move |mut peer: Peer| {
        peer.receive().await;
        let stream = peer.into_stream();
        let mut stream = stream
            .into_inner()
            .downcast::<hyper_util::rt::TokioIo<tokio::net::TcpStream>>()
            .expect("TCP")
            .io
            .into_inner();
        stream.write_all(&bytes).await.expect("the client reads");
        let mut socket = fastwebsockets::WebSocket::after_handshake(stream, fastwebsockets::Role::Server);
        socket.set_auto_close(false);
        let frame = socket.read_frame().await.expect("a frame");
        assert_eq!(frame.opcode, OpCode::Close);
        assert_eq!(u16::from_be_bytes([frame.payload[0], frame.payload[1]]), code);
    })
    .await;
    let client = gateway.client().format(format).max_message_size(1000).connect().await.expect("a client");
    let error = client.request("echo", ()).await.expect_err("a violation");
    assert!(matches!(&error, Error::Protocol(text) if text.contains(reason)), "{reason}: {error}");
    gateway.finish().await;
}

#[tokio::test]
async fn what_a_server_must_not_send_is_answered_with_the_right_code() {
    let frame = |head: u8, payload: &[u8]| {
        let mut bytes = vec![head, u8::try_from(payload.len()).expect("a small frame")];
        bytes.extend(payload);
        bytes
    };
    let json = Format::Json;
    check(json, vec![0x81, 0x82, 0, 0, 0, 0, b'{', b'}'], 1002, "masked").await;
    check(json, frame(0xc1, b"{}"), 1002, "reserved bits").await;
    check(json, frame(0x83, b"{}"), 1002, "RFC 6455").await;
    check(json, frame(0x80, b"{}"), 1002, "without a start").await;
    check(json, [frame(0x01, b"{"), frame(0x81, b"}")].concat(), 1002, "inside a fragmented").await;
    check(json, frame(0x09, b""), 1002, "fragmented control").await;
    check(json, [vec![0x89, 126, 0, 126], vec![0; 126]].concat(), 1002, "over 125").await;
    check(json, [vec![0x8a, 126, 0, 126], vec![0; 126]].concat(), 1002, "over 125").await;
    check(json, frame(0x81, b"\xff"), 1007, "UTF-8").await;
    check(json, [frame(0x01, b"\xc3"), frame(0x80, b"\x28")].concat(), 1007, "UTF-8").await;
    check(json, vec![0x81, 126, 4, 0], 1009, "size limit").await;
    let half = [vec![0, 126, 2, 88], vec![b'x'; 600]].concat();
    check(json, [&[0x01], &half[1..], &[0x80], &half[1..]].concat(), 1009, "size limit").await;
    check(json, frame(0x82, b"{}"), 1003, "binary").await;
    check(Format::Binary, frame(0x81, b"{}"), 1003, "text").await;
    check(json, frame(0x81, b"no JSON"), 1008, "JSON").await;
    check(json, frame(0x81, b"{\"type\":0,\"id\":1,\"method\":\"x\"}"), 1008, "does not send requests").await;
    check(Format::Binary, frame(0x82, b"MCPX"), 1008, "").await;
    check(json, frame(0x88, b"\x03"), 1002, "one byte").await;
    check(json, frame(0x88, &1005u16.to_be_bytes()), 1002, "close code").await;
    check(json, frame(0x88, b"\x03\xe8\xff"), 1007, "UTF-8").await;
}

#[tokio::test]
async fn an_answer_that_is_malformed_fails_its_own_call_only() {
    let gateway = ready(async |mut peer: Peer| {
        let broken = peer.receive().await;
        let text = format!("{{\"id\":{},\"type\":1,\"result\":[1,}}", broken["id"]);
        peer.write(true, OpCode::Text, text.as_bytes()).await;
        let next = peer.receive().await;
        peer.answer(&next, json!("fine")).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    assert!(matches!(client.request("echo", ()).await, Err(Error::Protocol(_))));
    assert_eq!(client.request("echo", ()).await.expect("a result").get(), "\"fine\"");
    gateway.finish().await;
}
