//! What a load balancer makes of an upgrade request.

use std::io::Read;
use std::net::TcpListener;

use serde_json::json;
use tests::until;

use crate::balancer::Target;
use crate::{Balancer, Pods, Program, Ticket, Way, every_way};

every_way! { messages_pass_both_ways }

fn messages_pass_both_ways(way: (Program, Way)) {
    let pods = Pods::start();
    let balancer = pods.behind(way.0);
    let (mut client, _) = Ticket::first(way, 0, &pods, &balancer);
    assert_eq!(client.response.header("Sec-WebSocket-Protocol"), Some("mcp.v1"));
    let long = json!("x".repeat(300_000));
    assert_eq!(client.ask("echo", &long), long);
}

#[track_caller]
fn check_refusal(program: Program) {
    let pods = Pods::start();
    let balancer = pods.behind(program);
    let mut socket = balancer.open();
    let request = pods.upgrade(balancer.address()).replace("Authorization", "Bearer wrong");
    socket.send(&request.bytes());
    let response = socket.response();
    assert_eq!(response.status, 401, "{response:?}");
    assert!(!response.error().is_empty());
}

#[test]
fn a_refusal_of_the_gateway_passes_haproxy() {
    check_refusal(Program::HAProxy);
}

#[test]
fn a_refusal_of_the_gateway_passes_nginx() {
    check_refusal(Program::Nginx);
}

/// The head of an upgrade as a pod gets it.
#[track_caller]
fn forwarded(program: Program) -> String {
    let pods = Pods::start();
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let clients = listener.local_addr().expect("a bound socket has an address");
    let targets = pods.targets().map(|pod| Target { clients, ..pod });
    let balancer = Balancer::start(program, targets);
    let mut socket = balancer.open();
    socket.send(&pods.upgrade(balancer.address()).with("X-Forwarded-For", "192.0.2.7").bytes());
    listener.set_nonblocking(true).expect("a fresh socket takes options");
    let (mut pod, _) = until("the load balancer to connect", || listener.accept().ok());
    pod.set_nonblocking(false).expect("a fresh socket takes options");
    pod.set_read_timeout(Some(tests::PATIENCE)).expect("a fresh socket takes options");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        pod.read_exact(&mut byte).expect("the head comes whole");
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).expect("a head is text").to_ascii_lowercase()
}

#[track_caller]
fn check_forwarded(program: Program) {
    let head = forwarded(program);
    // The client's own word comes first; one list may be written as two headers.
    let hops = head.lines().filter_map(|line| line.strip_prefix("x-forwarded-for: "));
    assert_eq!(hops.collect::<Vec<_>>().join(", "), "192.0.2.7, 127.0.0.1", "{head}");
    for line in ["upgrade: websocket", "connection: upgrade", "sec-websocket-protocol: mcp.v1"] {
        assert!(head.lines().any(|found| found == line), "no {line} in {head}");
    }
}

#[test]
fn haproxy_tells_the_clients_address() {
    check_forwarded(Program::HAProxy);
}

#[test]
fn nginx_tells_the_clients_address() {
    check_forwarded(Program::Nginx);
}
