//! The benches' yardsticks are themselves servers that must answer rightly, or every ratio is worth nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const KINDS: [&str; 5] =
    ["epoll", "fastwebsockets", "fastwebsockets-coalesced", "tungstenite", "tungstenite-coalesced"];

struct Baseline {
    process: Child,
    stream: TcpStream,
}

impl Baseline {
    fn start(kind: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("serve-baseline")
            .arg(kind)
            .stdout(Stdio::piped())
            .spawn()
            .expect("xtask starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it prints its line");
        let address = line.split_once("ws://").expect("the line has a URL").1.trim_end_matches("/\"}\n");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("the upgrade is sent");
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            stream.read_exact(&mut octet).expect("the upgrade is answered");
            response.push(octet[0]);
        }
        assert!(response.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&response));
        Self { process, stream }
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn each_server_echoes_every_frame_of_a_pipeline_in_order() {
    for kind in KINDS {
        let mut baseline = Baseline::start(kind);
        let mut sent = Vec::new();
        let mut expected = Vec::new();
        for number in 0..1_000u16 {
            let [high, low] = number.to_be_bytes();
            // A binary frame of two octets, under a mask of zeros.
            sent.extend([0x82, 0x82, 0, 0, 0, 0, high, low]);
            expected.extend([0x82, 2, high, low]);
        }
        baseline.stream.write_all(&sent).expect("the frames are sent");
        let mut answered = vec![0; expected.len()];
        baseline.stream.read_exact(&mut answered).expect("every frame is answered");
        assert_eq!(answered, expected, "{kind}");
    }
}

#[test]
fn each_server_answers_a_close_and_ends_the_connection() {
    for kind in KINDS {
        let mut baseline = Baseline::start(kind);
        baseline.stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).expect("the close is sent");
        let mut answered = Vec::new();
        baseline.stream.read_to_end(&mut answered).expect("the connection ends in order");
        assert_eq!(answered, [0x88, 2, 0x03, 0xe8], "{kind}");
    }
}
