//! Backends that misbehave in HTTP/2 itself: a listed one floods the gateway, which goes on to serve the others.

use crate::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, answer, frame, junk,
    parse,
};
use crate::{execute, named, process};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tests::{Tools, until};

/// As much memory a flood may take for a while.
const GROWTH: usize = 48 << 20;
/// How long one connection is flooded, if the gateway does not end it.
const FLOOD: Duration = Duration::from_secs(3);

/// Writes the pieces of a flood; the second argument is the stream of the first request.
type Flood = dyn Fn(u32, u32) -> Vec<u8> + Send + Sync;

/// A server that floods whoever asks it something. It ends with the test's process.
fn hostile(flood: impl Fn(u32, u32) -> Vec<u8> + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    let (flood, floods): (Arc<Flood>, _) = (Arc::new(flood), Arc::new(AtomicUsize::new(0)));
    let begun = Arc::clone(&floods);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let (flood, begun) = (Arc::clone(&flood), Arc::clone(&begun));
            // The gateway ends the connection at any time.
            std::thread::spawn(move || _ = misbehave(socket, &*flood, &begun));
        }
    });
    (address, floods)
}

fn misbehave(mut socket: TcpStream, flood: &Flood, begun: &AtomicUsize) -> std::io::Result<()> {
    socket.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut preface = vec![0; PREFACE.len()];
    socket.read_exact(&mut preface)?;
    socket.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    let (mut inbox, mut buffer) = (Vec::new(), [0; 65_536]);
    let stream = loop {
        if let Some((kind, flags, stream, length)) = parse(&inbox) {
            inbox.drain(..length);
            match kind {
                HEADERS => break stream,
                SETTINGS if flags & ACK == 0 => socket.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
                _ => {}
            }
            continue;
        }
        match socket.read(&mut buffer)? {
            0 => return Ok(()),
            count => inbox.extend(&buffer[..count]),
        }
    };
    begun.fetch_add(1, Relaxed);
    let mut reader = socket.try_clone()?;
    std::thread::spawn(move || while matches!(reader.read(&mut buffer), Ok(1..)) {});
    let start = Instant::now();
    for number in 0.. {
        if start.elapsed() > FLOOD {
            break;
        }
        socket.write_all(&flood(number, stream))?;
    }
    Ok(())
}

/// Lists such a backend beside an honest one, which goes on to answer.
#[track_caller]
fn check_contained(flood: impl Fn(u32, u32) -> Vec<u8> + Send + Sync + 'static) {
    let (address, floods) = hostile(flood);
    let gateway = process(|config| config.backends = vec![format!("http://{address}")]);
    let _tools = Tools::serve(named("honest", &["honest"]), &gateway);
    let mut client = gateway.connect();
    client.await_tool("honest");
    until("the first flood", || (floods.load(Relaxed) > 0).then_some(()));
    let (before, start) = (gateway.usage(), Instant::now());
    let (memory, mut most) = (before.memory(), 0);
    // As long as a flood, and as the redial after it.
    while start.elapsed() < FLOOD + Duration::from_secs(1) {
        assert_eq!(execute(&mut client, "honest"), "honest");
        most = most.max(gateway.usage().memory());
    }
    let grown = most.saturating_sub(memory);
    assert!(grown < GROWTH, "{grown} bytes more");
    let told = gateway.await_log("a configured backend is down");
    assert!(told.contains(&address.to_string()), "{told}");
    gateway.await_replicas(1.0);
}

#[test]
fn h2_rapid_reset() {
    check_contained(|number, stream| {
        let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        // And pings, which have to be answered.
        let ping = frame(PING, 0, 0, &u64::from(number).to_be_bytes());
        [reset, ping].concat().repeat(64)
    });
}

#[test]
fn continuation_flood() {
    let junk = junk(16_000);
    check_contained(move |number, stream| match number {
        0 => frame(HEADERS, 0, stream, &answer()),
        _ => frame(CONTINUATION, 0, stream, &junk),
    });
}

#[test]
fn empty_data_flood() {
    check_contained(|number, stream| match number {
        0 => frame(HEADERS, END_HEADERS, stream, &answer()),
        _ => frame(DATA, 0, stream, &[]).repeat(1_000),
    });
}
