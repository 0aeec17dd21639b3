//! Clients that send and never read: what they cost is bounded, and they are cut.

use backend::{Backend, Call, Raw, Tool};
use std::time::Duration;
use tests::{Client, Draft, Opcode, Packet, Process, Socket, Tools, until};

/// How many clients do it at a time.
const CLIENTS: usize = 24;

fn start() -> Process {
    crate::process(|config| {
        config.log.level = "info".to_owned();
        config.websocket.write_timeout_ms = 1_500;
        config.websocket.max_pings_per_second = u32::MAX / 10;
    })
}

fn connect_narrow(process: &Process) -> Client {
    let mut socket = Socket::connect_narrow(process.clients);
    let request = process.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1.binary");
    socket.send(&request.bytes());
    let response = socket.response();
    response.check_accepts(&request);
    Client::new(socket, response)
}

/// So many clients send this again and again and read nothing, until the gateway takes no more of it. Answers
/// how much memory it has then; at the end all of them were cut.
fn stuff(process: &Process, count: usize, bytes: &[u8]) -> usize {
    let mut clients: Vec<_> = (0..count).map(|_| connect_narrow(process)).collect();
    let mut most = 0;
    for client in &mut clients {
        let mut sent = 0;
        loop {
            let (taken, alive) = client.stuff(bytes, Duration::from_millis(20));
            sent += taken;
            assert!(sent < 1 << 28, "the gateway reads on and on although its answers are not read");
            if taken < bytes.len() || !alive {
                break;
            }
        }
        most = most.max(process.usage().memory());
    }
    process.await_no_connections();
    most
}

/// A client that never reads costs so many KiB at most, however much it sends, and is cut.
fn check_never_reads(bytes: &[u8], bearable: usize) {
    let process = start();
    // The first one pays for what all of them use.
    let one = stuff(&process, 1, bytes);
    let many = stuff(&process, CLIENTS, bytes);
    let each = many.saturating_sub(one) / (CLIENTS - 1) / 1024;
    assert!(each < bearable, "{each} KiB for each client that never reads");
    process.await_metric("websocket_connections_closed_total{code=\"abrupt\"}", CLIENTS as f64 + 1.0);
    process.connect().check_alive();
}

#[test]
fn never_reads() {
    let payload = format!("\"{}\"", "x".repeat(60_000));
    check_never_reads(
        &Draft::binary(&Packet::echo(1, payload.as_bytes()).bytes()).bytes().repeat(100),
        2 * 1024,
    );
}

#[test]
fn never_reads_small_answers() {
    check_never_reads(&Draft::binary(&Packet::echo(1, b"1").bytes()).bytes().repeat(100_000), 2 * 1024);
}

#[test]
fn never_reads_pongs() {
    check_never_reads(&Draft::new(Opcode::PING, &[b'x'; 125]).bytes().repeat(50_000), 2 * 1024);
}

#[test]
fn never_reads_errors() {
    // Frames that are wrong in themselves, each answered with an error larger than it is.
    check_never_reads(&Draft::binary(b"x").bytes().repeat(200_000), 2 * 1024);
}

#[test]
fn never_reads_batches() {
    // A frame of a MiB holds a hundred echoes, and their answers are all made before the gateway can stop
    // reading; the frame itself is held too.
    let payload = format!("\"{}\"", "x".repeat(10_000));
    let frame: Vec<u8> = (0..100).flat_map(|id| Packet::echo(id, payload.as_bytes()).bytes()).collect();
    check_never_reads(&Draft::binary(&frame).bytes().repeat(10), 8 * 1024);
}

#[test]
fn never_reads_lists() {
    // A short request with a long answer: a frame of 3 KiB asks for a hundred lists of 200 KiB each.
    let process = start();
    let tools = (0..100).map(|n| {
        Tool::new(format!("tool-{n}"), |_: Call, args: Raw| async { Ok(args) }).description("d".repeat(2_000))
    });
    let backend = tools.fold(Backend::new("large"), Backend::tool);
    let _tools = Tools::serve(backend, &process);
    let list = Packet::request(1, 2, b"{}");
    let frame = Draft::binary(&list.bytes().repeat(100)).bytes();
    let mut clients: Vec<_> = (0..5).map(|_| connect_narrow(&process)).collect();
    for client in &mut clients {
        until("the tools on this shard", || {
            client.packet(&list);
            (client.reply().payload.len() > 200_000).then_some(())
        });
    }
    let before = process.usage().memory();
    for client in &mut clients {
        client.send(&frame);
        // It is being answered.
        until("the first bytes of the answers", || {
            (client.receive(Duration::from_millis(10)) == tests::Received::Bytes).then_some(())
        });
    }
    let each = process.usage().memory().saturating_sub(before) / clients.len() / 1024;
    assert!(each < 8 * 1024, "{each} KiB for each client that asked for a hundred lists and reads none");
    process.await_no_connections();
}
