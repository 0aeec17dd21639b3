//! Prints what the codecs cost, in nanoseconds a message. Run it with --release; an argument sets the number of rounds
//! (default 1,000,000). `--only NAME ROUNDS` runs one of them so often and prints nothing, for whoever counts instructions.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::time::Instant;

use protocol::binary::Header;
use protocol::{Format, Id, Kind, Limits, Method, Outgoing, binary, text};

/// A codec with a message, which is called again and again.
type Codec = (&'static str, Box<dyn FnMut()>);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => codecs().into_iter().for_each(|codec| time(codec, 1_000_000)),
        [rounds] => codecs().into_iter().for_each(|codec| time(codec, number(rounds))),
        ["--only", wanted, rounds] => {
            let codec = codecs().into_iter().find(|(name, _)| *name == wanted);
            let (_, mut run) = codec.expect("the name of a codec");
            (0..number(rounds)).for_each(|_| run());
        }
        _ => panic!("usage: [ROUNDS] | --only NAME ROUNDS"),
    }
}

fn number(rounds: &str) -> u32 {
    rounds.parse().expect("a number of rounds")
}

/// The fastest of several runs: the one that was disturbed least.
fn time((name, mut run): Codec, rounds: u32) {
    let fastest = (0..7)
        .map(|_| {
            let start = Instant::now();
            (0..rounds).for_each(|_| run());
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    println!("{name:28} {:8.1} ns", fastest.as_secs_f64() * 1e9 / f64::from(rounds));
}

fn codecs() -> Vec<Codec> {
    let short = r#"{"id":"a1","type":0,"method":"echo","params":{"n":12}}"#;
    let long = concat!(
        r#"{"id":"7f3c9a52-1","type":0,"method":"tool.execute","params":{"tool":"fs.search","args":"#,
        r#"{"pattern":"fn main","limit":20}},"meta":{"traceparent":"#,
        r#""00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","timeout_ms":30000}}"#
    );
    let batch = format!("[{}]", [short; 10].join(","));
    let large = format!(r#"{{"id":1,"type":0,"method":"echo","params":"{}"}}"#, "lorem ipsum ".repeat(5000));
    vec![
        ("decode JSON, short", decode_json(short.to_owned())),
        ("decode JSON, long", decode_json(long.to_owned())),
        ("decode JSON, batch of 10", decode_json(batch)),
        ("decode JSON, 60 KB", decode_json(large)),
        ("decode binary", decode_binary()),
        ("encode JSON", encode(Format::Json)),
        ("encode binary", encode(Format::Binary)),
    ]
}

const PAYLOAD: &[u8] = br#"{"n":123,"text":"forty bytes of payload"}"#;

fn decode_json(text: String) -> Box<dyn FnMut()> {
    let limits = Limits::default();
    Box::new(move || {
        text::decode(black_box(&text), &limits, |message| {
            black_box(message.is_ok());
            black_box(&message);
        });
    })
}

fn decode_binary() -> Box<dyn FnMut()> {
    let limits = Limits::default();
    let header = Header::new(Kind::Request, 7, Method::Echo.code(), PAYLOAD.len() as u32);
    let mut frame = header.encode().to_vec();
    frame.extend_from_slice(PAYLOAD);
    let mut scratch = Vec::new();
    Box::new(move || {
        binary::decode(black_box(&frame), &mut scratch, &limits, |message| {
            black_box(&message);
        });
    })
}

/// A response with the payload.
fn encode(format: Format) -> Box<dyn FnMut()> {
    let mut out = Vec::with_capacity(4096);
    Box::new(move || {
        out.clear();
        let id = black_box(Id::Sequence(1234));
        Outgoing::response(id, 15, black_box(PAYLOAD)).encode(format, &mut out);
        black_box(&out);
    })
}
