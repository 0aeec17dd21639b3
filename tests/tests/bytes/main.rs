//! What an idle connection keeps on the gateway's heap, step by step. Every allocation of this process is counted, so the one
//! test here takes turns with nobody, and its clients allocate nothing while it is counted.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::RangeInclusive;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tests::{Draft, Gateway};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// So many that what the gateway has anyway does not count. A table of a thousand is as full as one of 16,000.
const CONNECTIONS: usize = 1_000;
/// What a connection keeps once it is upgraded, and with a session that can be resumed and its record in the store, in bytes that
/// were asked for: so many, as tables happen to grow and the control plane allocates meanwhile. docs/sizing.md says what each
/// is made of.
const UPGRADED: RangeInclusive<usize> = 850..=1_050;
const OPENED: RangeInclusive<usize> = 1_220..=1_420;

/// A client that allocates nothing.
struct Client(TcpStream);

impl Client {
    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the gateway reads");
    }

    /// Reads the head of an HTTP response.
    fn enter(&mut self) {
        let (mut head, mut length) = ([0; 1_024], 0);
        while !head[..length].ends_with(b"\r\n\r\n") {
            length += self.0.read(&mut head[length..]).expect("the gateway answers");
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head[..length]));
    }

    /// Reads a text that is a response.
    fn answer(&mut self) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).expect("the gateway answers");
        assert_eq!(head[0], 0x81, "a text");
        let length = match head[1] {
            126 => {
                let mut wide = [0; 2];
                self.0.read_exact(&mut wide).expect("the gateway answers");
                usize::from(u16::from_be_bytes(wide))
            }
            short => usize::from(short),
        };
        let mut payload = [0; 1_024];
        self.0.read_exact(&mut payload[..length]).expect("the gateway answers");
        let text = String::from_utf8_lossy(&payload[..length]);
        assert!(text.starts_with(r#"{"id":1,"type":1,"#), "{text}");
    }
}

/// What was allocated since the beginning of the region and is there still, for each connection: bytes, and in how many parts.
fn kept(region: &Region<'_, System>) -> (usize, f64) {
    let change = region.change();
    let bytes = change.bytes_allocated as isize - change.bytes_deallocated as isize;
    let parts = change.allocations as f64 - change.deallocations as f64;
    (usize::try_from(bytes).expect("more was allocated than freed") / CONNECTIONS, parts / CONNECTIONS as f64)
}

#[test]
fn an_idle_connection_keeps_what_is_written_down() {
    let gateway = Gateway::with(|config| {
        config.runtime.shards = 1;
        config.websocket.ping_interval_ms = 600_000;
    });
    let upgrade = gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1").bytes();
    let request = |method: &str, params: &str| {
        Draft::text(&format!(r#"{{"id":1,"type":0,"method":"{method}","params":{params}}}"#)).bytes()
    };
    let (initialize, echo) = (request("initialize", r#"{"client":"test"}"#), request("echo", "1"));
    let mut clients = Vec::with_capacity(CONNECTIONS);
    // Pages, tables and buffers of the shard are there afterwards.
    let mut first = Client(TcpStream::connect(gateway.clients).expect("the gateway listens"));
    first.send(&upgrade);
    first.enter();
    for message in [&initialize, &echo] {
        first.send(message);
        first.answer();
    }

    let region = Region::new(ALLOCATOR);
    for _ in 0..CONNECTIONS {
        let mut client = Client(TcpStream::connect(gateway.clients).expect("the gateway listens"));
        client.send(&upgrade);
        client.enter();
        client.send(&echo);
        client.answer();
        clients.push(client);
    }
    gateway.await_metric("websocket_connections_active", (CONNECTIONS + 1) as f64);
    let upgraded = kept(&region);
    for client in &mut clients {
        for message in [&initialize, &echo] {
            client.send(message);
            client.answer();
        }
    }
    let opened = kept(&region);

    println!("upgraded: {} bytes in {:.1} parts", upgraded.0, upgraded.1);
    println!("with a session: {} bytes in {:.1} parts", opened.0, opened.1);
    for (what, found, written) in
        [("a connection", upgraded.0, UPGRADED), ("one with a session", opened.0, OPENED)]
    {
        assert!(written.contains(&found), "{what} keeps {found} bytes, and {written:?} are written down");
    }
}
