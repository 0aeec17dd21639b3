//! The way out: running calls finish, clients are told to go, and then the gateway is gone.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Client, Gateway, Opcode, Received, Socket, Tools, until};

/// The close frame of a drain; its reason is a number of milliseconds.
fn check_restart(client: &mut Client) {
    let reason = client.closed(1012);
    assert!(reason.parse::<u64>().is_ok(), "the reason is no delay: {reason:?}");
}

fn check_migrate(client: &mut Client) {
    let migrate = client.message();
    assert_eq!((&migrate["type"], &migrate["method"]), (&json!(2), &json!("session.migrate")), "{migrate}");
    assert!(migrate["params"]["reconnect_after_ms"].as_u64().is_some(), "{migrate}");
}

#[test]
fn an_idle_client_is_told_and_closed_with_1012() {
    let mut gateway = Gateway::start();
    let mut client = gateway.connect();
    client.check_alive();
    gateway.drain();
    check_migrate(&mut client);
    check_restart(&mut client);
    drop(client);
    gateway.await_end();
}

#[test]
fn a_running_call_finishes_before_its_connection_is_closed() {
    let mut gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    client.request("last", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 700}}));
    gateway.await_metric("backend_calls_in_flight", 1.0);
    gateway.drain();
    // New ones are not taken any more, but what the gateway answers itself is.
    loop {
        let message = client.message();
        if message["method"] == "session.migrate" {
            break;
        }
        assert_eq!(message["method"], "tool.progress", "{message}");
    }
    client.request("late", "tool.execute", &json!({"tool": "echo", "args": 1}));
    client.request("echo", "echo", &json!("still"));
    let (mut refused, mut echoed) = (false, false);
    let result = loop {
        let message = client.message();
        match message["id"].as_str() {
            Some("late") => {
                assert_eq!(message["error"]["code"], 4009, "{message}");
                refused = true;
            }
            Some("echo") => {
                assert_eq!(message["result"], "still");
                echoed = true;
            }
            Some("last") => break message,
            _ => assert_eq!(message["method"], "tool.progress", "{message}"),
        }
    };
    assert!(result["result"]["slept_ms"].as_u64().is_some_and(|ms| ms >= 700), "{result}");
    assert!(refused && echoed);
    check_restart(&mut client);
    drop(client);
    gateway.await_end();
}

#[test]
fn a_draining_gateway_is_not_ready_and_takes_no_clients() {
    let mut gateway = Gateway::with(|config| config.drain.timeout_ms = 10_000);
    let _tools = Tools::at(&gateway);
    assert_eq!(gateway.admin("/health/ready").status, 200);
    assert_eq!(gateway.admin("/health/live").status, 200);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    client.request("long", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 60_000}}));
    gateway.await_metric("backend_calls_in_flight", 1.0);
    gateway.drain();
    until("the gateway to say that it drains", || {
        (gateway.admin("/health/ready").status == 503).then_some(())
    });
    assert_eq!(gateway.admin("/health/live").status, 200);
    gateway.await_metric("gateway_ready", 0.0);
    until("the client port to be closed", || {
        std::net::TcpStream::connect_timeout(&gateway.clients, Duration::from_millis(100))
            .is_err()
            .then_some(())
    });
    // The end of the call is the end of it all.
    client.request("stop", "tool.cancel", &json!({"id": "long"}));
    while client.frame("the close").opcode != Opcode::CLOSE {}
    drop(client);
    gateway.await_end();
}

#[test]
fn upgrades_that_come_before_the_listener_is_closed_get_503() {
    let mut gateway = Gateway::with(|config| config.drain.delay_ms = 60_000);
    gateway.drain();
    until("the gateway to say that it drains", || {
        (gateway.admin("/health/ready").status == 503).then_some(())
    });
    let response = gateway.ask(&gateway.upgrade());
    assert_eq!(response.status, 503, "{response:?}");
    assert!(response.header("Retry-After").is_some());
    assert!(response.error().contains("drain"), "{response:?}");
}

#[test]
fn no_more_clients_are_told_to_go_than_others_are_to_bear() {
    let mut gateway = Gateway::with(|config| config.drain.rate = 10);
    let mut clients: Vec<Client> = (0..11).map(|_| gateway.connect()).collect();
    for client in &mut clients {
        client.check_alive();
    }
    gateway.drain();
    let told: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            std::thread::spawn(move || {
                check_migrate(&mut client);
                Instant::now()
            })
        })
        .collect();
    let mut told: Vec<_> = told.into_iter().map(|told| told.join().expect("it was told")).collect();
    told.sort_unstable();
    // Eleven in a second would be one too many.
    assert!(told[10] - told[0] >= Duration::from_secs(1), "{:?}", told[10] - told[0]);
    gateway.await_end();
}

#[test]
fn what_does_not_end_in_time_is_dropped() {
    let mut gateway = Gateway::with(|config| config.drain.timeout_ms = 300);
    let _tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    client.request("long", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 60_000}}));
    gateway.await_metric("backend_calls_in_flight", 1.0);
    let start = Instant::now();
    gateway.drain();
    let ended = client.await_end("the end of the connection");
    assert!(matches!(ended, Received::End | Received::Reset));
    assert!(start.elapsed() >= Duration::from_millis(250), "dropped after {:?}", start.elapsed());
    gateway.await_end();
}

#[test]
fn a_drain_can_be_asked_for_over_http() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    assert_eq!(gateway.admin("/health/drain").status, 405, "a GET changes nothing");
    client.check_alive();
    let mut socket = Socket::connect(gateway.admin);
    socket.send(b"POST /health/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(socket.response().status, 202);
    check_migrate(&mut client);
    check_restart(&mut client);
    drop(client);
    gateway.await_end();
}

#[test]
fn sigterm_drains_the_process_and_it_exits_with_0() {
    let mut process = crate::process(|_| {});
    let _tools = Tools::at(&process);
    let mut client = process.connect();
    client.await_tool("sleep");
    client.request("last", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 300}}));
    process.await_metric("backend_calls_in_flight", 1.0);
    process.terminate();
    let mut answered = false;
    let close = loop {
        let frame = client.frame("the close");
        if frame.opcode == Opcode::CLOSE {
            break frame;
        }
        answered |= frame.text().contains("slept_ms");
    };
    assert!(answered, "the call was not answered");
    assert_eq!(close.close().0, 1012);
    drop(client);
    assert!(process.await_exit().success());
}
