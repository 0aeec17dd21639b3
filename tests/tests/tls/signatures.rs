//! Attacks on signed messages: each is answered with 4001, and nothing of it is executed.

use crate::{Setting, connect, open};
use gateway::Config;
use gateway::config::Demand;
use serde_json::{Value, json};
use tests::{Client, Draft, Endpoints, Packet, Pods, Session, Signatures, Trust, Type};

const SKEW_MS: u64 = 30_000;

pub(crate) fn required(config: &mut Config) {
    config.security.hmac_signatures = Demand::Required;
}

/// A session of `mcp.v1`, and its key.
pub(crate) fn session(gateway: &Endpoints, trust: &Trust) -> (Session, Signatures) {
    let session = Session::initialize(connect(gateway, trust), json!({}));
    let signatures = Signatures::of(&session.opened);
    (session, signatures)
}

/// A session of `mcp.v1.binary`, and its key.
pub(crate) fn binary_session(gateway: &Endpoints, trust: &Trust, params: &Value) -> (Client, Signatures) {
    const INITIALIZE: u16 = 1;
    let request = gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1.binary");
    let mut client = gateway.accepted_on(open(gateway, trust), &request);
    client.tolerate_pings();
    client.packet(&Packet::request(1_000_000, INITIALIZE, params.to_string().as_bytes()));
    let reply = client.reply();
    assert_eq!(reply.kind, Type::RESPONSE, "{reply:?}");
    let signatures = Signatures::of(&reply.json());
    (client, signatures)
}

pub(crate) fn echo(id: &str) -> String {
    json!({"id": id, "type": 0, "method": "echo", "params": {"n": id}}).to_string()
}

/// How many requests to echo were executed.
#[track_caller]
fn check_executed(gateway: &Endpoints, count: u64) {
    let series = "websocket_messages_received_total{type=\"request\",method=\"echo\"}";
    assert_eq!(gateway.metrics().count(series), count as f64);
}

/// How many signed messages were refused for this reason.
#[track_caller]
pub(crate) fn check_refused(gateway: &Endpoints, reason: &str, count: u64) {
    let series = format!("websocket_signatures_refused_total{{reason=\"{reason}\"}}");
    assert_eq!(gateway.metrics().value(&series), count as f64);
}

#[track_caller]
fn check_error(client: &mut Client, id: &str, names: &str) {
    let text = client.error(&json!(id), 4001);
    assert!(text.contains(names), "{text:?} does not name {names:?}");
}

#[test]
fn replayed_signature_on_the_same_connection() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut client, mut signatures) = session(&gateway, &setting.trust());
    let message = signatures.text(&echo("a"));
    client.text(&message);
    assert_eq!(client.result("a"), json!({"n": "a"}));
    for _ in 0..3 {
        client.text(&message);
        check_error(&mut client, "a", "nonce");
    }
    let (mut client, signatures) = binary_session(&gateway, &setting.trust(), &json!({}));
    let packet = signatures.packet(&Packet::echo(1, b"[1]"));
    client.packet(&packet);
    assert_eq!(client.reply().json(), json!([1]));
    client.packet(&packet);
    assert!(client.reply().error(1, 4001).contains("nonce"));
    check_executed(&gateway, 2);
    check_refused(&gateway, "nonce", 4);
}

#[test]
fn replayed_signature_on_another_connection() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut first, mut signatures) = session(&gateway, &setting.trust());
    let (mut second, mut own) = session(&gateway, &setting.trust());
    let message = signatures.text(&echo("a"));
    for client in [&mut second, &mut first] {
        client.text(&message);
    }
    check_error(&mut second, "a", "signature");
    assert_eq!(first.result("a"), json!({"n": "a"}));
    // Nothing of it was used up.
    second.text(&own.text(&echo("b")));
    assert_eq!(second.result("b"), json!({"n": "b"}));
    let (_, signatures) = binary_session(&gateway, &setting.trust(), &json!({}));
    let (mut other, own) = binary_session(&gateway, &setting.trust(), &json!({}));
    other.packet(&signatures.packet(&Packet::echo(1, b"[1]")));
    assert!(other.reply().error(1, 4001).contains("signature"));
    other.packet(&own.packet(&Packet::echo(1, b"[1]")));
    assert_eq!(other.reply().json(), json!([1]));
    check_executed(&gateway, 3);
    check_refused(&gateway, "mismatch", 2);
}

#[test]
fn replayed_signature_at_another_pod_that_resumed_the_session() {
    let (setting, pods) = (Setting::new(), Pods::new());
    let pod = || {
        pods.pod_with(|config| {
            setting.serve(config);
            required(config);
        })
    };
    let (here, there) = (pod(), pod());
    let (mut first, mut signatures) = session(&here, &setting.trust());
    let sent = signatures.text(&echo("a"));
    first.text(&sent);
    assert_eq!(first.result("a"), json!({"n": "a"}));
    let unsent = signatures.text(&echo("b"));
    let params = first.resume(json!({}));
    let mut second = Session::initialize(connect(&there, &setting.trust()), params);
    assert_eq!(second.opened["resumed"], true, "{}", second.opened);
    for (message, id) in [(&sent, "a"), (&unsent, "b")] {
        second.text(message);
        check_error(&mut second, id, "signature");
    }
    let mut fresh = Signatures::of(&second.opened);
    second.text(&fresh.text(&echo("c")));
    assert_eq!(second.result("c"), json!({"n": "c"}));
    check_executed(&there, 1);
    check_refused(&there, "mismatch", 2);
}

#[test]
fn old_timestamp() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| {
        required(config);
        config.security.signature_skew_ms = SKEW_MS;
    });
    let (mut client, signatures) = session(&gateway, &setting.trust());
    let (mut binary, sealed) = binary_session(&gateway, &setting.trust(), &json!({}));
    // The clock goes on while a message travels: at the limit only a clock that is ahead is sure to be taken, and past it
    // only one that is behind is sure to be refused. The exact limits are tested in `auth`, where the clock stands.
    let moment = |off: i64| Signatures::now().checked_add_signed(off).expect("a moment");
    let skew = SKEW_MS as i64;
    for (nonce, (off, is_taken)) in [
        (0, true),
        (skew, true),
        (5_000 - skew, true),
        (-skew - 1, false),
        (-3_600_000, false),
        (skew + 5_000, false),
        (3_600_000, false),
    ]
    .into_iter()
    .enumerate()
    {
        let nonce = nonce as u64 + 1;
        client.text(&signatures.text_at(&echo("a"), moment(off), nonce));
        binary.packet(&sealed.packet_at(&Packet::echo(nonce, b"[1]"), moment(off)));
        if is_taken {
            assert_eq!(client.result("a"), json!({"n": "a"}), "{off}");
            assert_eq!(binary.reply().json(), json!([1]), "{off}");
        } else {
            check_error(&mut client, "a", "clock");
            assert!(binary.reply().error(nonce, 4001).contains("clock"));
        }
    }
    check_executed(&gateway, 6);
    check_refused(&gateway, "timestamp", 8);
}

#[test]
fn nonce_back() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut client, signatures) = session(&gateway, &setting.trust());
    let (mut binary, sealed) = binary_session(&gateway, &setting.trust(), &json!({}));
    let now = Signatures::now();
    for (nonce, is_taken) in
        [(0, false), (5, true), (4, false), (5, false), (6, true), (1, false), (u64::MAX, true), (7, false)]
    {
        client.text(&signatures.text_at(&echo("a"), now, nonce));
        binary.packet(&sealed.packet(&Packet::echo(nonce, b"[1]")));
        if is_taken {
            assert_eq!(client.result("a"), json!({"n": "a"}), "{nonce}");
            assert_eq!(binary.reply().json(), json!([1]), "{nonce}");
        } else {
            check_error(&mut client, "a", "nonce");
            assert!(binary.reply().error(nonce, 4001).contains("nonce"));
        }
    }
    check_executed(&gateway, 6);
    check_refused(&gateway, "nonce", 10);
}

#[test]
fn tampered_byte_of_a_text() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut client, mut signatures) = session(&gateway, &setting.trust());
    let message = signatures.text(&echo("a"));
    for at in 0..message.len() {
        let mut bytes = message.clone().into_bytes();
        // What was ASCII stays it, so that it is a text for the frame.
        bytes[at] ^= 1;
        let tampered = String::from_utf8(bytes).expect("ASCII");
        client.text(&tampered);
        let answer = client.message();
        let code = answer["error"]["code"].as_u64();
        assert!(matches!(code, Some(4000 | 4001)), "{tampered}: {answer}");
    }
    check_executed(&gateway, 0);
    // It was good, and still is.
    client.text(&message);
    assert_eq!(client.result("a"), json!({"n": "a"}));
}

#[test]
fn tampered_byte_of_a_packet() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut client, signatures) = binary_session(&gateway, &setting.trust(), &json!({}));
    let packet = signatures.packet(&Packet::echo(1 << 32, b"{\"n\":1}"));
    let bytes = packet.bytes();
    for bit in 0..bytes.len() * 8 {
        let mut tampered = bytes.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        client.draft(&Draft::binary(&tampered));
        // A response or a pong is answered with nothing, a size that is too small with one error more.
        let probe = bit as u64 + 1;
        client.packet(&signatures.packet(&Packet::new(Type::PING, probe, 0, b"")));
        loop {
            let reply = client.reply();
            if (reply.kind, reply.sequence_id) == (Type::PONG, probe) {
                break;
            }
            assert_eq!(reply.kind, Type::ERROR, "bit {bit}: {reply:?}");
            let code = reply.json()["code"].as_u64();
            assert!(matches!(code, Some(4000 | 4001)), "bit {bit}: {reply:?}");
        }
    }
    check_executed(&gateway, 0);
    client.packet(&packet);
    assert_eq!(client.reply().json(), json!({"n": 1}));
}
