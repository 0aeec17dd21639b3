//! Deflated payloads in both formats, and streams that are bombs, cut or garbage.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::{Value, json};
use tests::{Client, Draft, Endpoints, Flags, Gateway, Opcode, Packet, Type};

pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1_024);
    let status =
        Compress::new(Compression::best(), true).compress_vec(bytes, &mut out, FlushCompress::Finish);
    assert_eq!(status.expect("the input can be deflated"), flate2::Status::StreamEnd);
    out
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 << 20);
    let status = Decompress::new(true).decompress_vec(bytes, &mut out, FlushDecompress::Finish);
    assert_eq!(status.expect("the payload is zlib"), flate2::Status::StreamEnd);
    out
}

/// A stream of `mebibytes` zeros, without its end: a MiB of them is deflated once and stands there again and again.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), true);
    let mut out = Vec::with_capacity(64 * 1024);
    compress.compress_vec(b"", &mut out, FlushCompress::Full).expect("it can be flushed");
    let head = out.len();
    compress.compress_vec(&vec![0; 1 << 20], &mut out, FlushCompress::Full).expect("it can be deflated");
    let mebibyte = out.split_off(head);
    out.extend(mebibyte.repeat(mebibytes));
    out
}

fn initialized(mut client: Client) -> Client {
    let result = client.ask("initialize", &json!({"compression": ["deflate"]}));
    assert_eq!(result["compression"], json!(["deflate"]));
    client
}

fn initialized_binary(gateway: &Endpoints) -> Client {
    let mut client = gateway.connect_binary();
    client.packet(&Packet::request(1, 1, br#"{"compression":["deflate"]}"#));
    assert_eq!(client.reply().json()["compression"], json!(["deflate"]));
    client
}

fn echo(id: u64, params: &Value) -> String {
    json!({"id": id, "type": 0, "method": "echo", "params": params}).to_string()
}

#[test]
fn large_answers_in_json_are_deflated_where_the_client_asked() {
    let gateway = Gateway::start();
    let mut client = initialized(gateway.connect());
    // The body's size decides, quotes included.
    for (len, is_deflated) in [(1_023, false), (1_024, true), (100_000, true)] {
        let params = json!("x".repeat(len - 2));
        client.text(&echo(1, &params));
        let frame = client.frame("an echo");
        let text = if is_deflated {
            assert_eq!(frame.opcode, Opcode::BINARY, "{len} bytes");
            assert!(frame.payload.len() < len / 4, "{} of {len} bytes", frame.payload.len());
            inflated(&frame.payload)
        } else {
            assert_eq!(frame.opcode, Opcode::TEXT, "{len} bytes");
            frame.payload
        };
        let answer: Value = serde_json::from_slice(&text).expect("an answer is JSON");
        assert_eq!(answer, json!({"id": 1, "type": 1, "result": params}));
    }
}

#[test]
fn large_answers_in_binary_are_deflated_where_the_client_asked() {
    let gateway = Gateway::start();
    let mut client = initialized_binary(&gateway);
    for (len, flags) in [(1_023, 0), (1_024, Flags::COMPRESSED), (100_000, Flags::COMPRESSED)] {
        let payload = json!("x".repeat(len - 2)).to_string();
        client.packet(&Packet::echo(2, payload.as_bytes()));
        let reply = client.reply();
        assert_eq!((reply.kind, reply.sequence_id, reply.flags), (Type::RESPONSE, 2, flags), "{len} bytes");
        let body = if flags == 0 { reply.payload } else { inflated(&reply.payload) };
        assert_eq!(body, payload.as_bytes());
    }
}

#[test]
fn nothing_is_deflated_where_nobody_asked() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let result = client.ask("initialize", &json!({"compression": ["br", "gzip"]}));
    assert_eq!(result["compression"], json!([]));
    client.text(&echo(1, &json!("x".repeat(10_000))));
    client.frame_of(Opcode::TEXT, "an echo");
    let gateway = Gateway::with(|config| config.compression.enabled = false);
    let mut client = gateway.connect();
    assert_eq!(client.ask("initialize", &json!({"compression": ["deflate"]}))["compression"], json!([]));
    client.text(&echo(1, &json!("x".repeat(10_000))));
    client.frame_of(Opcode::TEXT, "an echo");
}

#[test]
fn a_client_may_deflate_what_it_sends() {
    let gateway = Gateway::start();
    let mut client = initialized(gateway.connect());
    client.draft(&Draft::binary(&deflated(echo(1, &json!("hello")).as_bytes())));
    assert_eq!(client.result_of(1), "hello");
    // Text frames are text still, and a batch may be deflated.
    client.text(&echo(2, &json!("plain")));
    assert_eq!(client.result_of(2), "plain");
    let batch = format!("[{},{}]", echo(3, &json!(3)), echo(4, &json!(4)));
    client.draft(&Draft::binary(&deflated(batch.as_bytes())));
    assert_eq!((client.result_of(3), client.result_of(4)), (json!(3), json!(4)));
    // The flag of a packet needs no agreement: it says so itself.
    let mut client = gateway.connect_binary();
    client.packet(&Packet { flags: Flags::COMPRESSED, ..Packet::echo(5, &deflated(b"[5]")) });
    assert_eq!(client.reply(), Packet::new(Type::RESPONSE, 5, Packet::ECHO, b"[5]"));
    let batch: Vec<u8> = (6..9).flat_map(|id| Packet::echo(id, b"0").bytes()).collect();
    let flags = Flags::COMPRESSED | Flags::BATCH;
    client.packet(&Packet { flags, ..Packet::request(0, 0, &deflated(&batch)) });
    for id in 6..9 {
        assert_eq!(client.reply().sequence_id, id);
    }
}

#[test]
fn a_payload_may_inflate_to_max_message_size_and_not_to_more() {
    let gateway = Gateway::start();
    let limit = 1 << 20;
    let of_len = |len: usize| {
        let empty = echo(1, &json!(""));
        echo(1, &json!("x".repeat(len - empty.len())))
    };
    let mut client = initialized(gateway.connect());
    client.draft(&Draft::binary(&deflated(of_len(limit).as_bytes())));
    assert_eq!(client.frame("an echo").opcode, Opcode::BINARY);
    client.draft(&Draft::binary(&deflated(of_len(limit + 1).as_bytes())));
    assert!(client.error(&Value::Null, 4012).contains("max_message_size"));
    client.check_alive();
    let mut client = gateway.connect_binary();
    let payload = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    let packet =
        |id, len| Packet { flags: Flags::COMPRESSED, ..Packet::echo(id, &deflated(payload(len).as_bytes())) };
    client.packet(&packet(1, limit));
    assert_eq!(client.reply().payload.len(), limit);
    client.packet(&packet(2, limit + 1));
    assert!(client.reply().error(2, 4012).contains("inflates"));
    // All packets of a frame together may not be more either.
    let (half, more) = (packet(3, limit / 2), packet(4, limit / 2 + 1));
    client.draft(&Draft::binary(&[half.bytes(), more.bytes()].concat()));
    assert_eq!(client.reply().sequence_id, 3);
    assert!(client.reply().error(4, 4012).contains("inflates"));
    gateway.await_metric("websocket_errors_total{type=\"too_large\"}", 3.0);
}

#[test]
fn inflate_bomb() {
    let process = crate::process(|config| config.log.level = "info".to_owned());
    let bomb = bomb(1_000);
    assert!(bomb.len() < 1 << 20, "a bomb of {} bytes", bomb.len());
    let mut json = initialized(process.connect());
    let mut binary = initialized_binary(&process);
    let packet = Packet { flags: Flags::COMPRESSED, ..Packet::echo(7, &bomb) };
    let mut explode = || {
        json.draft(&Draft::binary(&bomb));
        assert!(json.error(&Value::Null, 4012).contains("max_message_size"));
        binary.packet(&packet);
        binary.reply().error(7, 4012);
        process.usage().memory() >> 20
    };
    let start = process.usage().memory() >> 20;
    let first = explode();
    assert!(first < start + 64, "{start} MiB grew to {first} for two bombs of a GiB");
    let cpu = process.usage().cpu_ms();
    let most = (0..10).map(|_| explode()).max().expect("ten are some");
    assert!(most < first + 16, "{first} MiB grew to {most} with more bombs");
    let took = process.usage().cpu_ms() - cpu;
    assert!(took < 5_000, "{took} ms of CPU for 20 bombs");
    process.await_metric("websocket_errors_total{type=\"too_large\"}", 22.0);
    json.check_alive();
}

#[test]
fn many_small_bombs_in_one_frame() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    let one = bomb(8);
    let frame: Vec<u8> = (1..=50)
        .flat_map(|id| Packet { flags: Flags::COMPRESSED, ..Packet::echo(id, &one) }.bytes())
        .collect();
    client.draft(&Draft::binary(&frame));
    for id in 1..=50 {
        client.reply().error(id, 4012);
    }
}

#[test]
fn inflate_truncated() {
    let gateway = Gateway::start();
    let mut json = initialized(gateway.connect());
    let mut binary = gateway.connect_binary();
    let whole = deflated(echo(1, &json!("hello")).as_bytes());
    let payload = deflated(b"\"hello\"");
    let mut count = 0.0;
    for len in 0..whole.len() {
        json.draft(&Draft::binary(&whole[..len]));
        assert!(json.error(&Value::Null, 4000).contains("zlib"), "cut at {len}");
        count += 1.0;
    }
    for len in 0..payload.len() {
        binary.packet(&Packet { flags: Flags::COMPRESSED, ..Packet::echo(7, &payload[..len]) });
        assert!(binary.reply().error(7, 4000).contains("zlib"), "cut at {len}");
        count += 1.0;
    }
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", count);
    json.check_alive();
}

#[test]
fn inflate_garbage() {
    let gateway = Gateway::start();
    let mut json = initialized(gateway.connect());
    let mut binary = gateway.connect_binary();
    let good = deflated(echo(1, &json!("hello")).as_bytes());
    let mut wrong_sum = good.clone();
    *wrong_sum.last_mut().expect("a stream has an end") ^= 1;
    let behind = [&good[..], b"x"].concat();
    let twice = good.repeat(2);
    for garbage in [b"garbage", &[0xFF; 100][..], b"{\"type\":4}", &good[2..], &wrong_sum, &behind, &twice] {
        json.draft(&Draft::binary(garbage));
        assert!(json.error(&Value::Null, 4000).contains("zlib"), "{garbage:x?}");
        binary.packet(&Packet { flags: Flags::COMPRESSED, ..Packet::echo(7, garbage) });
        assert!(binary.reply().error(7, 4000).contains("zlib"), "{garbage:x?}");
    }
    // What is inflated must be a message too.
    json.draft(&Draft::binary(&deflated(b"\xFF\xFE")));
    assert!(json.error(&Value::Null, 4000).contains("UTF-8"));
    json.draft(&Draft::binary(&deflated(b"{")));
    assert!(json.error(&Value::Null, 4000).contains("JSON"));
    // Compressed twice is not unpacked twice.
    json.draft(&Draft::binary(&deflated(&good)));
    json.error(&Value::Null, 4000);
    json.check_alive();
}
