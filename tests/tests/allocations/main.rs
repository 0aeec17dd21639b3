//! What a message costs the gateway's heap. Every allocation of this process is counted, so the one test here takes turns with
//! nobody, its client allocates nothing while it is counted, and the backend is a process of its own.

use std::alloc::System;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
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
const BATCHES: usize = 4;
/// Timers of the control plane allocate now and then, so the best of many short rounds counts.
const ROUNDS: usize = 50;

/// What a call of a tool allocates in the gateway, with its journal and its event `tool.executed`.
const ALLOCATIONS_OF_A_CALL: usize = 3;

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

/// A connection that is written to and read from without an allocation.
struct Peer {
    stream: TcpStream,
    inbox: Vec<u8>,
    /// What of the inbox was not taken.
    unread: Range<usize>,
}

impl Peer {
    fn connect(gateway: &Gateway, subprotocol: &str) -> Self {
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
        Self { stream, inbox: vec![0; 64 << 10], unread: 0..0 }
    }

    /// Opens a session, so that calls are journalled.
    fn initialize(&mut self) {
        let request = r#"{"id":1,"type":0,"method":"initialize","params":{"client":"test"}}"#;
        self.stream.write_all(&Draft::text(request).bytes()).expect("the gateway reads");
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).expect("the gateway answers");
        assert_eq!(head[..2], [0x81, 126], "one text of more than 125 bytes");
        let mut payload = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
        self.stream.read_exact(&mut payload).expect("the gateway answers");
        let opened: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
        assert_eq!(opened["result"]["resumable"], true, "{opened}");
    }

    /// Sends a batch and waits for its answers, each of which has to be `like` one but for its digits. Pings between them
    /// ask what has come, and are answered.
    fn exchange(&mut self, batch: &[u8], like: &[u8]) {
        self.stream.write_all(batch).expect("the gateway reads");
        let mut answers = 0;
        while answers < BATCH {
            self.inbox.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
            let length = self.stream.read(&mut self.inbox[self.unread.end..]).expect("the gateway answers");
            assert!(length > 0, "the gateway has closed the connection");
            self.unread.end += length;
            while let Some(&[first, length]) = self.inbox[self.unread.clone()].first_chunk() {
                let frame = self.unread.start..self.unread.start + 2 + usize::from(length);
                if frame.end > self.unread.end {
                    break;
                }
                self.unread.start = frame.end;
                if first == 0x89 {
                    // A pong with a mask of zeros.
                    self.stream.write_all(&[0x8a, 0x80 | length, 0, 0, 0, 0]).expect("the gateway reads");
                    let payload = &self.inbox[frame.start + 2..frame.end];
                    self.stream.write_all(payload).expect("the gateway reads");
                    continue;
                }
                let answer = &self.inbox[frame];
                let alike =
                    answer.iter().zip(like).all(|(a, b)| a == b || a.is_ascii_digit() && b.is_ascii_digit());
                assert!(alike && answer.len() == like.len(), "{}", String::from_utf8_lossy(answer));
                answers += 1;
            }
        }
    }

    /// Allocations of one message, in the best of some rounds.
    fn allocations(&mut self, batches: &[Vec<u8>], like: &[u8]) -> f64 {
        let mut best = usize::MAX;
        let per_round = batches.len() / ROUNDS;
        for round in batches.chunks_exact(per_round) {
            let region = Region::new(ALLOCATOR);
            for batch in round {
                self.exchange(batch, like);
            }
            let change = region.change();
            best = best.min(change.allocations + change.reallocations);
        }
        best as f64 / (per_round * BATCH) as f64
    }
}

/// What a server's frame around this payload is.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short payload");
    [&[0x80 | opcode, length], payload].concat()
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
        let mut peer = Peer::connect(&gateway, subprotocol);
        let batches = vec![draft.bytes().repeat(BATCH); BATCHES * ROUNDS];
        // The warm-up.
        batches[..20].iter().for_each(|batch| peer.exchange(batch, &answer));
        let found = peer.allocations(&batches, &answer);
        assert_eq!(found, 0.0, "an echo in {subprotocol} allocates {found} times");
    }

    // Calls have ids of their own, all of one length.
    let folder = TempDir::new().expect("a temporary folder");
    let _tools = Tools::start(&gateway, &folder);
    gateway.connect().await_tool("echo");
    let mut peer = Peer::connect(&gateway, "mcp.v1");
    peer.initialize();
    let call = |id: usize| {
        let params = json!({"tool": "echo", "args": {"text": "hi"}});
        Draft::text(&json!({"id": id, "type": 0, "method": "tool.execute", "params": params}).to_string())
            .bytes()
    };
    let batch = |first: usize| (first..first + BATCH).flat_map(call).collect::<Vec<_>>();
    let answer = frame(1, br#"{"id":100000,"type":1,"result":{"text":"hi"}}"#);
    let batches: Vec<_> = (0..2 * ROUNDS + 10).map(|index| batch(100_000 + index * BATCH)).collect();
    let (warm_up, batches) = batches.split_at(10);
    warm_up.iter().for_each(|batch| peer.exchange(batch, &answer));
    let found = peer.allocations(batches, &answer).round() as usize;
    assert!(found <= ALLOCATIONS_OF_A_CALL, "a call allocates {found} times");
    assert!(found + 3 >= ALLOCATIONS_OF_A_CALL, "a call allocates only {found} times: write it down");
}
