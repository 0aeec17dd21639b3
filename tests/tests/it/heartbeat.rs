//! The gateway's own pings: when a client is silent, and what happens if it stays so.

use crate::compression::deflated;
use gateway::Config;
use std::time::{Duration, Instant};
use tests::{Client, Draft, Flags, Gateway, Opcode, Packet, Received, Socket, until};

fn lively(config: &mut Config) {
    config.websocket.ping_interval_ms = 200;
    config.websocket.pong_timeout_ms = 300;
}

#[test]
fn a_silent_client_is_pinged_and_one_that_answers_stays() {
    let gateway = Gateway::with(lively);
    let mut client = gateway.connect();
    let start = Instant::now();
    for _ in 0..4 {
        let ping = client.frame_of(Opcode::PING, "a ping");
        client.draft(&Draft::new(Opcode::PONG, &ping.payload));
    }
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(400), "four pings in {took:?}");
    client.check_alive();
}

#[test]
fn a_client_that_answers_no_ping_is_dropped() {
    let gateway = Gateway::with(lively);
    let mut client = gateway.connect();
    client.frame_of(Opcode::PING, "a ping");
    let start = Instant::now();
    let ended = client.await_end("the drop of a connection that is dead");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200), "dropped {took:?} after the ping");
    assert!(matches!(ended, Received::End | Received::Reset), "{ended:?}");
    assert!(client.inbox().is_empty(), "one ping, then nothing: {:?}", client.inbox());
    gateway.await_metric("websocket_connections_closed_total{code=\"abrupt\"}", 1.0);
    gateway.await_no_connections();
}

#[test]
fn any_message_is_as_good_as_a_pong() {
    let gateway = Gateway::with(lively);
    let mut client = gateway.connect();
    for _ in 0..4 {
        client.frame_of(Opcode::PING, "a ping");
        client.check_alive();
    }
}

#[test]
fn a_client_that_talks_is_not_pinged() {
    let gateway = Gateway::with(|config| config.websocket.ping_interval_ms = 1_000);
    let mut client = gateway.connect();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1_500) {
        // Any frame but the answer is a failure.
        client.check_alive();
    }
}

#[test]
fn a_client_that_reads_slowly_is_alive() {
    // Nothing is read from a client with unsent answers, so neither its messages nor its pongs arrive.
    let gateway = Gateway::with(|config| {
        lively(config);
        config.websocket.write_high_water = 1;
    });
    let mut socket = Socket::connect_narrow(gateway.clients);
    let request = gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1.binary");
    socket.send(&request.bytes());
    let response = socket.response();
    let mut client = Client::new(socket, response);
    client.tolerate_pings();
    // Small requests with large answers: more than the system's buffers hold.
    let payload = deflated(&serde_json::to_vec(&"p".repeat(500_000)).expect("a string is JSON"));
    for id in 1..=20 {
        client.packet(&Packet { flags: Flags::COMPRESSED, ..Packet::echo(id, &payload) });
    }
    let start = Instant::now();
    for chunk in 1..=10 {
        assert_eq!(client.receive(Duration::from_secs(10)), Received::Bytes, "after {chunk} chunks");
        until("the next chunk's time", || {
            (start.elapsed() >= chunk * Duration::from_millis(100)).then_some(())
        });
    }
    for id in 1..=20 {
        assert_eq!(client.reply().sequence_id, id);
    }
    client.packet(&Packet::echo(21, b"1"));
    assert_eq!(client.reply().sequence_id, 21);
}
