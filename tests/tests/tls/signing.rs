//! Signed messages where all is well: who gets a key, what has to be signed, and what one signature covers.

use crate::signatures::{binary_session, check_refused, echo, required, session};
use crate::{BINARY, NAME, Setting, connect};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use gateway::Config;
use gateway::config::Demand;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Command;
use tests::{Client, Draft, Endpoints, Flags, Gateway, Packet, Process, Session, Signatures, Type, until};

fn optional(config: &mut Config) {
    config.security.hmac_signatures = Demand::Optional;
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

#[test]
fn required_signatures_are_missed_in_all_but_initialize() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let mut client = connect(&gateway, &setting.trust());
    // Before there is a key, too.
    assert!(client.ask_wrong("echo", &json!(1), 4001).contains("initialize"));
    let mut session = Session::initialize(client, json!({}));
    let mut signatures = Signatures::of(&session.opened);
    assert_eq!(session.opened["signing"]["skew_ms"], 30_000);
    for method in ["echo", "tool.list", "session.close", "event.subscribe", "tool.execute"] {
        assert!(session.ask_wrong(method, &json!({}), 4001).contains("signed"));
    }
    session.json(&json!({"id": 7, "type": 4}));
    assert!(session.error(&json!(7), 4001).contains("signed"));
    // Of a batch each; a notification is not answered.
    session.text(r#"[{"id":1,"type":0,"method":"echo"},{"type":2,"method":"echo"},{"id":2,"type":4}]"#);
    session.error(&json!(1), 4001);
    session.error(&json!(2), 4001);
    check_refused(&gateway, "missing", 10);
    // What can't be read at all is told so.
    session.text("{");
    session.error(&Value::Null, 4000);
    for (message, kind) in [(echo("a"), 1), (json!({"id": "a", "type": 4}).to_string(), 5)] {
        session.text(&signatures.text(&message));
        let answer = session.message();
        assert_eq!((&answer["id"], &answer["type"]), (&json!("a"), &json!(kind)), "{answer}");
    }
    assert!(session.ask_wrong("initialize", &json!({}), 4005).contains("already"));

    let (mut client, signatures) = binary_session(&gateway, &setting.trust(), &json!({}));
    let ping = Packet::new(Type::PING, 3, 0, b"");
    for packet in [&Packet::echo(3, b"[1]"), &ping] {
        client.packet(packet);
        assert!(client.reply().error(3, 4001).contains("signed"));
    }
    client.packet(&signatures.packet(&ping));
    let reply = client.reply();
    assert_eq!((reply.kind, reply.sequence_id), (Type::PONG, 3), "{reply:?}");
}

#[test]
fn optional_signatures_may_be_left_out_but_not_be_wrong() {
    let setting = Setting::new();
    let gateway = setting.gateway(optional);
    // A signature without a key to judge it by.
    let (mut other, mut signatures) = session(&gateway, &setting.trust());
    let mut client = connect(&gateway, &setting.trust());
    client.text(&signatures.text(&echo("a")));
    assert!(client.error(&json!("a"), 4001).contains("no key"));
    assert_eq!(client.ask("echo", &json!(1)), 1);
    other.text(&signatures.text(&echo("b")));
    assert_eq!(other.result("b"), json!({"n": "b"}));
    other.text(&signatures.text(&echo("b")).replace("\"b\"", "\"c\""));
    assert!(other.error(&json!("c"), 4001).contains("signature"));
    // A member of a message is no signature.
    other.json(&json!({"id": "d", "type": 0, "method": "echo", "params": 1, "signature": "none"}));
    assert_eq!(other.result("d"), 1);
    check_refused(&gateway, "no_key", 1);
    check_refused(&gateway, "mismatch", 1);
}

#[test]
fn where_signatures_are_off_there_is_no_key_and_a_signed_message_is_told_so() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let mut session = Session::initialize(connect(&gateway, &setting.trust()), json!({}));
    assert_eq!(session.opened.get("signing"), None);
    let mut signatures = Signatures::with(&"A".repeat(43), "nobody");
    session.text(&signatures.text(&echo("a")));
    assert!(session.error(&Value::Null, 4000).contains("signed messages are not enabled here"));
    session.check_alive();
}

#[test]
fn what_is_no_signed_message_is_told_what_it_lacks() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut client, mut signatures) = session(&gateway, &setting.trust());
    let good: Value = serde_json::from_str(&signatures.text(&echo("a"))).expect("JSON");
    for (member, value, names) in [
        ("timestamp", json!("1"), "timestamp"),
        ("timestamp", json!(-1), "timestamp"),
        ("timestamp", json!(1.5), "timestamp"),
        ("nonce", json!(null), "nonce"),
        ("signature", json!("AAAA"), "base64url"),
        ("signature", json!(1), "base64url"),
        // The same bits, written otherwise.
        ("signature", json!("/".repeat(43)), "base64url"),
        ("message", json!("{}"), "message"),
        ("more", json!(1), "nothing else"),
    ] {
        let mut message = good.clone();
        message[member] = value;
        client.json(&message);
        let text = client.error(&Value::Null, 4000);
        assert!(text.contains(names), "{member}: {text}");
    }
    for member in ["timestamp", "nonce", "message"] {
        let mut message = good.clone();
        message.as_object_mut().expect("an object").remove(member);
        client.json(&message);
        assert!(client.error(&Value::Null, 4000).contains(member));
    }
    // Twice, and within each other.
    let text = signatures.text(&echo("a"));
    client.text(&text.replacen('{', "{\"nonce\":1,", 1));
    client.error(&Value::Null, 4000);
    client.text(&signatures.text(&text));
    client.error(&Value::Null, 4000);
    client.text(&format!("[{text}]"));
    client.error(&Value::Null, 4000);
    client.text(&text);
    // Its nonce was used by what it stood in.
    assert!(client.error(&json!("a"), 4001).contains("nonce"));
}

#[test]
fn a_batch_is_signed_once() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut client, mut signatures) = session(&gateway, &setting.trust());
    let batch = format!("[{}, {} ,7,{}]", echo("a"), echo("b"), echo("c"));
    let message = signatures.text(&batch);
    client.text(&message);
    for id in ["a", "b"] {
        assert_eq!(client.result(id), json!({ "n": id }));
    }
    client.error(&Value::Null, 4000);
    assert_eq!(client.result("c"), json!({"n": "c"}));
    // All of it is refused, and counted once.
    client.text(&message);
    for id in [json!("a"), json!("b"), Value::Null, json!("c")] {
        client.error(&id, 4001);
    }
    check_refused(&gateway, "nonce", 1);

    let (mut client, signatures) = binary_session(&gateway, &setting.trust(), &json!({}));
    let inner = [Packet::echo(7, b"[7]").bytes(), Packet::echo(3, b"[3]").bytes()].concat();
    for flags in [Flags::BATCH, Flags::BATCH | Flags::COMPRESSED] {
        let inner = if flags & Flags::COMPRESSED == 0 { inner.clone() } else { zlib(&inner) };
        let nonce = u64::from(flags);
        let batch = signatures.packet(&Packet { flags, ..Packet::request(nonce, 0, &inner) });
        client.packet(&batch);
        for id in [7, 3] {
            let reply = client.reply();
            assert_eq!((reply.sequence_id, reply.json()), (id, json!([id])), "{reply:?}");
        }
        client.packet(&batch);
        for id in [7, 3] {
            client.reply().error(id, 4001);
        }
    }
    // It is the batch that is signed, not what is in it.
    let inner = signatures.packet(&Packet::echo(9, b"[9]")).bytes();
    client.packet(&signatures.packet(&Packet { flags: Flags::BATCH, ..Packet::request(10, 0, &inner) }));
    assert!(client.reply().error(9, 4000).contains("sign the batch"));
}

#[test]
fn a_large_batch_whose_answers_wait_is_judged_once() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| {
        required(config);
        config.websocket.write_high_water = 1_000;
    });
    let (mut client, mut signatures) = session(&gateway, &setting.trust());
    let text = "x".repeat(1_000);
    let ids: Vec<String> = (0..50).map(|id| format!("r{id}")).collect();
    let messages: Vec<Value> =
        ids.iter().map(|id| json!({"id": id, "type": 0, "method": "echo", "params": text})).collect();
    for _ in 0..3 {
        client.text(&signatures.text(&json!(messages).to_string()));
        for id in &ids {
            assert_eq!(client.result(id), text);
        }
    }
}

#[test]
fn a_compressed_message_is_signed_in_the_text_and_over_the_packet_as_sent() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let params = json!({"compression": ["deflate"]});
    let mut session = Session::initialize(connect(&gateway, &setting.trust()), params);
    let mut signatures = Signatures::of(&session.opened);
    session.draft(&Draft::binary(&zlib(signatures.text(&echo("a")).as_bytes())));
    assert_eq!(session.result("a"), json!({"n": "a"}));
    session.draft(&Draft::binary(&zlib(echo("b").as_bytes())));
    session.error(&json!("b"), 4001);
    let (mut client, signatures) = binary_session(&gateway, &setting.trust(), &json!({}));
    let packet = Packet { flags: Flags::COMPRESSED, ..Packet::echo(5, &zlib(b"[5]")) };
    client.packet(&signatures.packet(&packet));
    assert_eq!(client.reply().json(), json!([5]));
}

#[test]
fn messages_behind_initialize_in_one_go_are_judged_with_its_key() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let mut client = connect(&gateway, &setting.trust());
    client.text(&format!("[{},{}]", json!({"id": "i", "type": 0, "method": "initialize"}), echo("a")));
    let opened = client.result("i");
    client.error(&json!("a"), 4001);
    let mut signatures = Signatures::of(&opened);
    client.text(&signatures.text(&echo("b")));
    assert_eq!(client.result("b"), json!({"n": "b"}));
}

#[test]
fn a_notification_without_its_signature_does_nothing() {
    let setting = Setting::new();
    let gateway = setting.gateway(required);
    let (mut client, mut signatures) = session(&gateway, &setting.trust());
    let received = "websocket_messages_received_total{type=\"notification\",method=\"echo\"}";
    let notification = json!({"type": 2, "method": "echo"}).to_string();
    client.text(&notification);
    client.text(&signatures.text(&echo("a")));
    client.result("a");
    assert_eq!(gateway.metrics().count(received), 0.0);
    client.text(&signatures.text(&notification));
    client.text(&signatures.text(&echo("b")));
    client.result("b");
    assert_eq!(gateway.metrics().count(received), 1.0);
}

/// A connection in the clear, perhaps of a proxy that says for whom it is.
fn through_proxy(gateway: &Endpoints, header: Option<(&str, &str)>) -> Client {
    let request = gateway.upgrade();
    let mut client = gateway.accepted(&match header {
        Some((name, value)) => request.with(name, value),
        None => request,
    });
    client.tolerate_pings();
    client
}

#[test]
fn a_key_is_handed_out_only_where_nobody_else_hears_it() {
    let gateway = Gateway::with(|config| {
        required(config);
        config.security.trusted_proxies = vec!["127.0.0.1".to_owned()];
    });
    for header in [("X-Forwarded-Proto", "https"), ("Forwarded", "for=192.0.2.1;proto=https")] {
        let mut client = through_proxy(&gateway, Some(header));
        let mut signatures = Signatures::of(&client.ask("initialize", &json!({})));
        client.text(&signatures.text(&echo("a")));
        assert_eq!(client.result("a"), json!({"n": "a"}));
    }
    for header in [None, Some(("X-Forwarded-Proto", "http")), Some(("Forwarded", "for=192.0.2.1"))] {
        let mut client = through_proxy(&gateway, header);
        let text = client.ask_wrong("initialize", &json!({}), 4001);
        assert!(text.contains("wss://"), "{text}");
        client.ask_wrong("echo", &json!({}), 4001);
    }
    // Nobody who is not trusted is believed, and where signatures are optional it does without.
    let gateway = Gateway::with(optional);
    let mut client = through_proxy(&gateway, Some(("X-Forwarded-Proto", "https")));
    assert_eq!(client.ask("initialize", &json!({})).get("signing"), None);
    assert_eq!(client.ask("echo", &json!(1)), 1);
}

#[test]
fn required_signatures_without_tls_are_no_configuration() {
    let check = |variables: &[(&str, &str)]| {
        let mut command = Command::new(BINARY);
        command.arg("check-config").env_clear().envs(variables.iter().copied());
        command.output().expect("the binary was built")
    };
    let required = ("SECURITY_HMAC_SIGNATURES", "required");
    let secret = ("AUTH_REQUIRED", "false");
    let output = check(&[required, secret]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{told}");
    for name in ["security.hmac_signatures", "tls.certificates", "security.trusted_proxies"] {
        assert!(told.contains(name), "{told}");
    }
    for variables in [
        &[("SECURITY_HMAC_SIGNATURES", "optional"), secret][..],
        &[required, secret, ("SECURITY_TRUSTED_PROXIES", "[\"10.0.0.0/8\"]")],
    ] {
        let output = check(variables);
        assert!(output.status.success(), "{variables:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn no_log_has_a_key_or_a_signature_and_the_audit_log_one_line_of_many_forgeries() {
    let setting = Setting::new();
    let audit = setting.folder.path().join("audit.jsonl");
    let process = Process::start(BINARY, |config| {
        setting.serve(config);
        required(config);
        config.log.level = "trace".to_owned();
        config.audit.file = Some(audit.clone());
    });
    let socket = process.open().under_tls(&setting.trust().config(), NAME).expect("a handshake");
    let client = process.accepted_on(socket, &process.upgrade());
    let mut session = Session::initialize(client, json!({}));
    let mut signatures = Signatures::of(&session.opened);
    let mut secrets = vec![session.opened["signing"]["key"].as_str().expect("a key").to_owned()];
    for number in 0..20 {
        let message = signatures.text(&echo("a"));
        let signed: Value = serde_json::from_str(&message).expect("JSON");
        secrets.push(signed["signature"].as_str().expect("a signature").to_owned());
        session.text(&message);
        session.result("a");
        session.text(&message.replace("\"a\"", &format!("\"f{number}\"")));
        session.error(&json!(format!("f{number}")), 4001);
    }
    drop(session);
    process.await_no_connections();
    let told = until("a line of the audit log", || {
        let text = std::fs::read_to_string(&audit).expect("the file is there");
        text.contains("signature_refused").then_some(text)
    });
    let refusals: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .filter(|line: &Value| line["event"] == "signature_refused")
        .collect();
    let [refusal] = &*refusals else { panic!("{refusals:#?}") };
    assert_eq!(refusal["reason"], "mismatch");
    assert_eq!((&refusal["tenant"], &refusal["agent"]), (&json!("tenant"), &json!("agent")), "{refusal}");
    let lines = process.end();
    assert!(lines.iter().any(|line| line.contains("\"a message is not taken\"")), "nothing is logged");
    for text in lines.iter().map(String::as_str).chain([&*told]) {
        for secret in &secrets {
            assert!(!text.contains(&**secret), "{text}");
        }
    }
}
