//! Clients that vanish with a reset, in every state: nothing of them is left.

use serde_json::json;
use tests::{Client, Draft, Opcode, Packet, Process, Socket, Tools, until};

/// What a client did before it vanished.
type State = (&'static str, fn(&Process) -> Socket);

fn with(process: &Process, act: impl FnOnce(&mut Client)) -> Socket {
    let mut client = process.connect();
    act(&mut client);
    client.into()
}

const STATES: [State; 11] = [
    ("nothing said", |process| process.open()),
    ("half a head", |process| {
        let mut socket = process.open();
        socket.send(b"GET /ws HTTP/1.1\r\nHost:");
        socket
    }),
    ("an upgrade whose answer is not read", |process| {
        let mut socket = process.open();
        socket.send(&process.upgrade().bytes());
        socket
    }),
    ("a refused upgrade", |process| {
        let mut socket = process.open();
        socket.send(&process.upgrade().without("Host").bytes());
        socket
    }),
    ("idle", |process| with(process, Client::check_alive)),
    ("half a frame", |process| {
        with(process, |client| client.send(&Draft::text("").declaring(100_000).eight_bytes_wide().bytes()))
    }),
    ("half a message", |process| {
        with(process, |client| client.draft(&Draft::new(Opcode::TEXT, &[b' '; 10_000]).unfinished()))
    }),
    ("a running call", |process| {
        with(process, |client| {
            client.await_tool("sleep");
            client.request("1", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 60_000}}));
            client.frame("progress");
        })
    }),
    ("unread answers", |process| {
        let mut client = process.connect_binary();
        let payload = format!("\"{}\"", "x".repeat(50_000));
        for id in 0..20 {
            client.packet(&Packet::echo(id, payload.as_bytes()));
        }
        client.into()
    }),
    ("a close that the gateway sent", |process| {
        with(process, |client| {
            client.draft(&Draft::text("").unmasked());
            client.frame("the close");
        })
    }),
    ("a close that the client sent", |process| {
        with(process, |client| client.draft(&Draft::close(1000, b"")))
    }),
];

#[test]
fn abrupt_reset() {
    const EACH: usize = 10;
    let process = crate::process(|config| config.log.level = "info".to_owned());
    let _tools = Tools::at(&process);
    // A client of the tools first, so that the connection to them is there.
    with(&process, |client| client.await_tool("sleep")).reset();
    process.await_no_connections();
    let descriptors = process.usage().descriptors();
    let round = || {
        for (state, act) in STATES {
            let sockets: Vec<_> = (0..EACH).map(|_| act(&process)).collect();
            for socket in sockets {
                socket.reset();
            }
            process.await_no_connections();
            process.await_metric("backend_calls_in_flight", 0.0);
            until(
                &format!("the descriptors of clients to be closed that vanished in the state: {state}"),
                || (process.usage().descriptors() <= descriptors).then_some(()),
            );
        }
        process.usage().memory()
    };
    // What the first round leaves is used again by the later ones.
    round();
    let memory = round();
    let [_, _, last] = [round(), round(), round()];
    // If the buffers of those with unread answers were left, it would be over 10 MiB.
    let growth = last.saturating_sub(memory) / 1024;
    assert!(growth < 8 * 1024, "{growth} KiB more after all of them were gone");
    process.connect().check_alive();
}

#[test]
fn nothing_is_left_of_many_short_connections() {
    let process = crate::process(|config| config.log.level = "info".to_owned());
    let round = || {
        for _ in 0..300 {
            process.connect().check_alive();
        }
        process.await_no_connections();
        process.usage()
    };
    let usage = round();
    let (descriptors, memory) = (usage.descriptors(), usage.memory());
    round();
    until("the descriptors to be closed", || (process.usage().descriptors() <= descriptors).then_some(()));
    let growth = process.usage().memory().saturating_sub(memory) / 1024;
    assert!(growth < 2 * 1024, "{growth} KiB more after 300 more connections");
}
