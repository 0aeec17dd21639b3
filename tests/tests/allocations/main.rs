//! What a message costs the gateway's heap. Every allocation of this process is counted, so the one test here takes turns with
//! nobody, its client allocates nothing while it is counted, and the backend is a process of its own.

use std::alloc::System;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tempfile::TempDir;
use tests::{Draft, Gateway, Packet};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Messages in one write.
const BATCH: usize = 64;
/// Writes in one round.
const BATCHES: usize = 100;
/// Timers of the control plane allocate now and then, so the best of some rounds counts.
const ROUNDS: usize = 5;

/// What a call of a tool allocates in the gateway, with its journal and its event `tool.executed`.
const ALLOCATIONS_OF_A_CALL: usize = 24;

/// `mcpw-tools` as a process. Dropped, it is killed.
struct Tools(Child);

impl Tools {
    fn start(gateway: &Gateway, folder: &TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpw-tools-under-test"));
        command.arg("--root").arg(folder.path()).args(["--listen", "127.0.0.1:0", "--register"]);
        command.arg(format!("http://{}", gateway.grpc)).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line");
        Self(child)
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A connection that is written to and read from without a copy.
fn connect(gateway: &Gateway, subprotocol: &str) -> TcpStream {
    let request = gateway.upgrade().with("Sec-WebSocket-Protocol", subprotocol);
    let mut stream = TcpStream::connect(gateway.clients).expect("the gateway listens");
    stream.set_nodelay(true).expect("a socket has options");
    stream.set_read_timeout(Some(tests::PATIENCE)).expect("a socket has options");
    stream.write_all(&request.bytes()).expect("the gateway reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the gateway answers");
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Opens a session, so that calls are journalled.
fn initialize(stream: &mut TcpStream) {
    let request = r#"{"id":1,"type":0,"method":"initialize","params":{"client":"test"}}"#;
    stream.write_all(&Draft::text(request).bytes()).expect("the gateway reads");
    let mut head = [0; 4];
    stream.read_exact(&mut head).expect("the gateway answers");
    assert_eq!(head[..2], [0x81, 126], "one text of more than 125 bytes");
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
    stream.read_exact(&mut payload).expect("the gateway answers");
    let opened: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(opened["result"]["resumable"], true, "{opened}");
}

/// What a server's frame around this payload is.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short payload");
    [&[0x80 | opcode, length], payload].concat()
}

/// Allocations of one message, in the best of some rounds.
fn allocations(stream: &mut TcpStream, batches: &[Vec<u8>], answers: usize) -> f64 {
    let mut answer = vec![0; answers];
    let mut best = usize::MAX;
    let per_round = batches.len() / ROUNDS;
    for round in batches.chunks_exact(per_round) {
        let region = Region::new(ALLOCATOR);
        for batch in round {
            stream.write_all(batch).expect("the gateway reads");
            stream.read_exact(&mut answer).expect("the gateway answers");
        }
        let change = region.change();
        best = best.min(change.allocations + change.reallocations);
    }
    best as f64 / (per_round * BATCH) as f64
}

#[test]
fn an_echo_allocates_nothing_and_a_call_what_is_written_down() {
    let gateway = Gateway::with(|config| config.runtime.shards = 1);

    // Both formats, with one batch that is sent again and again: an echo may have any id.
    let json = r#"{"id":7,"type":0,"method":"echo","params":"0123456789"}"#;
    let packet = Packet::request(7, 15, b"\"0123456789\"");
    let answer = r#"{"id":7,"type":1,"result":"0123456789"}"#;
    let mut answered = packet.bytes();
    answered[5] = 1;
    for (subprotocol, draft, answer) in [
        ("mcp.v1", Draft::text(json), frame(1, answer.as_bytes())),
        ("mcp.v1.binary", Draft::binary(&packet.bytes()), frame(2, &answered)),
    ] {
        let mut stream = connect(&gateway, subprotocol);
        let batch = draft.bytes().repeat(BATCH);
        let mut first = vec![0; answer.len() * BATCH];
        // The warm-up, and a look at what is answered.
        for _ in 0..20 {
            stream.write_all(&batch).expect("the gateway reads");
            stream.read_exact(&mut first).expect("the gateway answers");
            assert_eq!(first, answer.repeat(BATCH), "{}", String::from_utf8_lossy(&first));
        }
        let batches = vec![batch; BATCHES * ROUNDS];
        let found = allocations(&mut stream, &batches, first.len());
        assert_eq!(found, 0.0, "an echo in {subprotocol} allocates {found} times");
    }

    // Calls have ids of their own, all of one length.
    let folder = TempDir::new().expect("a temporary folder");
    let _tools = Tools::start(&gateway, &folder);
    gateway.connect().await_tool("echo");
    let mut stream = connect(&gateway, "mcp.v1");
    initialize(&mut stream);
    let call = |id: usize| {
        let params = json!({"tool": "echo", "args": {"text": "hi"}});
        Draft::text(&json!({"id": id, "type": 0, "method": "tool.execute", "params": params}).to_string())
            .bytes()
    };
    let batch = |first: usize| (first..first + BATCH).flat_map(call).collect::<Vec<_>>();
    let answer = frame(1, br#"{"id":100000,"type":1,"result":{"text":"hi"}}"#);
    let batches: Vec<_> = (0..10 * ROUNDS + 10).map(|index| batch(100_000 + index * BATCH)).collect();
    let (warm_up, batches) = batches.split_at(10);
    let mut first = vec![0; answer.len() * BATCH];
    for batch in warm_up {
        stream.write_all(batch).expect("the gateway reads");
        stream.read_exact(&mut first).expect("the gateway answers");
    }
    assert!(first.starts_with(&answer[..6]), "{}", String::from_utf8_lossy(&first));
    let found = allocations(&mut stream, batches, first.len());
    assert!(found.round() as usize <= ALLOCATIONS_OF_A_CALL, "a call allocates {found} times");
    assert!(
        found.round() as usize >= ALLOCATIONS_OF_A_CALL - 3,
        "a call allocates {found} times: write it down"
    );
}
