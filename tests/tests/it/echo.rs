//! Order and integrity of what comes back.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Draft, Gateway, Opcode, Packet, Type};

#[test]
fn a_hundred_pipelined_echoes_come_back_in_order() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let bytes: Vec<u8> = (0..100)
        .flat_map(|id| {
            Draft::text(&json!({"id": id, "type": 0, "method": "echo", "params": {"n": id}}).to_string())
                .bytes()
        })
        .collect();
    client.send(&bytes);
    for id in 0..100 {
        assert_eq!(client.result_of(id), json!({"n": id}));
    }
    let series = "websocket_messages_received_total{type=\"request\",method=\"echo\"}";
    assert_eq!(gateway.metrics().value(series), 100.0);
    gateway.await_metric("websocket_messages_sent_total{type=\"response\"}", 100.0);
    gateway.await_metric("websocket_message_latency_seconds_count", 100.0);
}

#[test]
fn a_hundred_pipelined_binary_echoes_come_back_in_order() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    let payload = |id: u64| format!("{{\"n\":{id}}}").into_bytes();
    let bytes: Vec<u8> =
        (0..100).flat_map(|id| Draft::binary(&Packet::echo(id, &payload(id)).bytes()).bytes()).collect();
    client.send(&bytes);
    for id in 0..100 {
        assert_eq!(client.reply(), Packet::new(Type::RESPONSE, id, Packet::ECHO, &payload(id)));
    }
}

#[test]
fn an_echo_is_the_same_bytes() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for params in [
        "1.0",
        "1e2",
        "-0",
        "\"\\u00e9\"",
        "{ \"a\" : [ ] }",
        "12345678901234567890123",
        "null",
        "\"\\/\"",
        "[1 ,2]",
    ] {
        client.text(&format!(r#"{{"id":1,"type":0,"method":"echo","params":{params}}}"#));
        assert_eq!(client.frame("an echo").text(), format!(r#"{{"id":1,"type":1,"result":{params}}}"#));
    }
    client.text(r#"{"id":1,"type":0,"method":"echo"}"#);
    assert_eq!(client.message(), json!({"id": 1, "type": 1, "result": null}));
}

#[test]
fn many_megabytes_come_back_in_order_though_the_client_reads_late() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    let payload = format!("\"{}\"", "x".repeat(20_000));
    // More than the gateway keeps unsent, less than what both kernels and it can hold.
    for id in 0..100 {
        client.packet(&Packet::echo(id, payload.as_bytes()));
    }
    for id in 0..100 {
        let reply = client.reply();
        assert_eq!((reply.sequence_id, reply.payload.len()), (id, payload.len()));
    }
}

#[test]
fn clients_do_not_see_each_others_answers() {
    let gateway = Gateway::start();
    let mut clients: Vec<_> = (0..20).map(|_| gateway.connect()).collect();
    for round in 0..20 {
        for (index, client) in clients.iter_mut().enumerate() {
            client.json(&json!({"id": round, "type": 0, "method": "echo", "params": [index, round]}));
        }
        for (index, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.result_of(round), json!([index, round]));
        }
    }
}

#[test]
fn the_echo_path_returns_every_message_as_it_came() {
    let gateway = Gateway::with(|config| config.websocket.echo_path = Some("/echo".to_owned()));
    let request = gateway.upgrade().without("Authorization").line("GET /echo HTTP/1.1");
    let mut client = gateway.accepted(&request);
    client.draft(&Draft::text("not json"));
    assert_eq!(client.frame_of(Opcode::TEXT, "an echo").text(), "not json");
    client.draft(&Draft::new(Opcode::BINARY, b"\x00\xFF").unfinished());
    client.draft(&Draft::new(Opcode::CONTINUATION, b"\x01"));
    assert_eq!(client.frame_of(Opcode::BINARY, "an echo").payload, b"\x00\xFF\x01");
    // It is no way into the endpoint proper, and is not there unless asked for.
    let gateway = Gateway::start();
    assert_eq!(gateway.ask(&gateway.upgrade().line("GET /echo HTTP/1.1")).status, 404);
}

#[test]
fn a_client_that_sends_without_end_does_not_starve_others() {
    let gateway = Gateway::with(|config| config.runtime.shards = 1);
    let mut greedy = gateway.connect_binary();
    let mut modest = gateway.connect();
    let frames = Draft::binary(&Packet::echo(1, b"1").bytes()).bytes().repeat(10_000);
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut sent = 0;
            for _ in 0..5 {
                // It reads as fast as it can, so that it is never stopped.
                greedy.send(&frames);
                for _ in 0..10_000 {
                    greedy.reply();
                }
                sent += 10_000;
            }
            sent
        });
        let (mut asked, mut longest) = (0, Duration::ZERO);
        while !sender.is_finished() {
            let start = Instant::now();
            modest.check_alive();
            longest = longest.max(start.elapsed());
            asked += 1;
        }
        assert_eq!(sender.join().expect("the greedy one gets its answers"), 50_000);
        assert!(asked > 3, "only {asked} answers beside 50,000");
        assert!(longest < Duration::from_secs(2), "an answer took {longest:?}");
    });
}
