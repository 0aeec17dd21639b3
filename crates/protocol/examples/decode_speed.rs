//! Prints what the codecs cost, in nanoseconds a message. Run it with --release; an argument sets
//! the number of rounds (default 1,000,000).
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use protocol::binary::Header;
use protocol::{Format, Id, Kind, Limits, Method, Outgoing, binary, text};

static ROUNDS: LazyLock<u32> =
    LazyLock::new(|| std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(1_000_000));

/// The fastest of several runs: the one that was disturbed least.
fn time(name: &str, mut run: impl FnMut()) {
    let fastest = (0..7)
        .map(|_| {
            let start = Instant::now();
            (0..*ROUNDS).for_each(|_| run());
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    println!("{name:44} {:8.1} ns", fastest.as_secs_f64() * 1e9 / f64::from(*ROUNDS));
}

fn main() {
    let limits = Limits::default();
    let short = r#"{"id":"a1","type":0,"method":"echo","params":{"n":12}}"#;
    let long = concat!(
        r#"{"id":"7f3c9a52-1","type":0,"method":"tool.execute","params":{"tool":"fs.search","args":"#,
        r#"{"pattern":"fn main","limit":20}},"meta":{"traceparent":"#,
        r#""00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","timeout_ms":30000}}"#
    );
    let batch = format!("[{}]", [short; 10].join(","));
    for text in [short, long, &batch] {
        time(&format!("decode JSON, {} bytes", text.len()), || {
            text::decode(black_box(text), &limits, |message| {
                black_box(message.is_ok());
                black_box(&message);
            });
        });
    }
    let large = format!(r#"{{"id":1,"type":0,"method":"echo","params":"{}"}}"#, "lorem ipsum ".repeat(5000));
    time(&format!("decode JSON, {} bytes", large.len()), || {
        text::decode(black_box(&large), &limits, |message| {
            black_box(&message);
        });
    });

    let payload = br#"{"n":123,"text":"forty bytes of payload"}"#;
    let mut frame =
        Header::new(Kind::Request, 7, Method::Echo.code(), payload.len() as u32).encode().to_vec();
    frame.extend_from_slice(payload);
    let mut scratch = Vec::new();
    time(&format!("decode binary, 24 + {} bytes", payload.len()), || {
        binary::decode(black_box(&frame), &mut scratch, &limits, |message| {
            black_box(&message);
        });
    });

    let mut out = Vec::with_capacity(4096);
    for format in [Format::Json, Format::Binary] {
        time(&format!("encode a response of 41 bytes, {format:?}"), || {
            out.clear();
            let id = black_box(Id::Sequence(1234));
            Outgoing::response(id, 15, black_box(&payload[..])).encode(format, &mut out);
            black_box(&out);
        });
    }
}
