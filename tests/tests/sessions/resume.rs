//! Taking a session up again: whose it is, what proves it, and what becomes of the connection that had it.

use crate::check_refused;
use auth::Claims;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Cable, Client, Gateway, Keys, Pods, Received, Session, Socket, until};

#[test]
fn a_session_is_taken_up_on_another_connection() {
    let gateway = Gateway::start();
    let first = Session::open(&gateway);
    assert_eq!(first.opened["resumable"], true, "{}", first.opened);
    assert_eq!(first.opened["resume_window_ms"], 120_000);
    let id = first.opened["session_id"].clone();
    let token = first.opened["resume_token"].clone();
    let second = first.move_to(&gateway, json!({}));
    assert_eq!(second.opened["session_id"], id);
    assert_eq!(second.opened["resumed"], true);
    assert_eq!(second.opened["recovered"], true);
    assert_ne!(second.opened["resume_token"], token, "the token is another one now");
    gateway.await_metric("session_resumes_total{outcome=\"resumed\"}", 1.0);
}

#[test]
fn a_session_is_taken_up_at_another_pod() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let first = Session::open(&here);
    let id = first.opened["session_id"].clone();
    let second = first.move_to(&there, json!({}));
    assert_eq!((&second.opened["session_id"], &second.opened["resumed"]), (&id, &json!(true)));
    let third = second.move_to(&here, json!({}));
    assert_eq!((&third.opened["session_id"], &third.opened["resumed"]), (&id, &json!(true)));
}

#[test]
fn the_connection_that_had_the_session_is_closed_with_4409() {
    let gateway = Gateway::start();
    let mut first = Session::open(&gateway);
    let mut second = first.take_up(&gateway, json!({}));
    first.await_close(4409);
    second.check_alive();
}

#[test]
fn a_takeover_at_another_pod_closes_with_4409() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let mut first = Session::open(&here);
    let mut second = first.take_up(&there, json!({}));
    first.await_close(4409);
    second.check_alive();
}

#[test]
fn resume_race() {
    let pods = Pods::new();
    let gateways = [pods.pod(), pods.pod()];
    for _ in 0..10 {
        let first = Session::open(&gateways[0]);
        let params = first.cut(json!({}));
        let attempts: Vec<_> = gateways
            .iter()
            .map(|gateway| {
                let (mut client, params) = (gateway.connect(), params.clone());
                std::thread::spawn(move || {
                    client.tolerate_pings();
                    client.request("mine", "initialize", &params);
                    client.message()
                })
            })
            .collect();
        let answers: Vec<Value> = attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect();
        let won = answers.iter().filter(|answer| answer["result"]["resumed"] == true).count();
        let lost = answers.iter().filter(|answer| answer["error"]["code"] == 4001).count();
        assert_eq!((won, lost), (1, 1), "{answers:?}");
    }
}

#[test]
fn resume_old_token() {
    let gateway = Gateway::start();
    let first = Session::open(&gateway);
    let old = first.resume(json!({}));
    let mut second = first.move_to(&gateway, json!({}));
    check_refused(&gateway, &old);
    second.check_alive();
    gateway.await_metric("session_resumes_total{outcome=\"token\"}", 1.0);
}

#[test]
fn resume_guess() {
    let gateway = Gateway::start();
    let mut first = Session::open(&gateway);
    let guess = json!({"resume": {
        "session_id": first.opened["session_id"],
        "resume_token": "A".repeat(43),
    }});
    check_refused(&gateway, &guess);
    first.check_alive();
    gateway.await_metric("session_resumes_total{outcome=\"token\"}", 1.0);
}

#[test]
fn resume_guess_costs_a_handshake_and_those_are_limited() {
    let gateway = Gateway::with(|config| {
        config.websocket.max_handshakes_per_ip = 1;
        config.websocket.handshake_burst_per_ip = 5;
    });
    let mut first = Session::open(&gateway);
    let id = &first.opened["session_id"];
    let (mut guesses, mut refused) = (0, 0);
    for n in 0..60 {
        let mut socket = Socket::connect_from([127, 0, 0, 2], gateway.clients);
        if !socket.offer(&gateway.upgrade().bytes()) || socket.receive(tests::PATIENCE) != Received::Bytes {
            refused += 1;
            continue;
        }
        let response = socket.response();
        if response.status == 429 {
            refused += 1;
            continue;
        }
        let mut client = Client::new(socket, response);
        let guess =
            json!({"resume": {"session_id": id, "resume_token": format!("{}{n:02}A", "A".repeat(40))}});
        // What comes behind a wrong guess is not read: a connection has one.
        for at in ["first", "second"] {
            client.request(at, "initialize", &guess);
        }
        client.error(&json!("first"), 4001);
        assert_eq!(client.left(4401), "the resume was refused");
        guesses += 1;
    }
    assert!(guesses >= 5 && refused >= 40, "{guesses} guesses, {refused} refused");
    gateway.await_metric("session_resumes_total{outcome=\"token\"}", f64::from(guesses));
    first.check_alive();
}

#[test]
fn resume_foreign_tenant() {
    let gateway = Gateway::start();
    let mut first = Session::open(&gateway);
    let params = first.resume(json!({}));
    for (tenant, agent) in [("other", "agent"), ("tenant", "other")] {
        let claims = Claims { scopes: vec!["*".to_owned()], ..Claims::new(tenant, agent) };
        let token = gateway.keys.mint(&claims);
        let request = tests::Request::upgrade(gateway.clients)
            .with("Authorization", &format!("Bearer {token}"))
            .with("Sec-WebSocket-Protocol", "mcp.v1");
        let mut client = gateway.accepted(&request);
        client.request("mine", "initialize", &params);
        client.error(&json!("mine"), 4001);
        client.closed(4401);
    }
    first.check_alive();
    gateway.await_metric("session_resumes_total{outcome=\"foreign\"}", 2.0);
    assert_ne!(Keys::claims().tenant, "other");
}

#[test]
fn an_attempt_whose_answer_was_lost_is_made_again_at_another_pod() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let first = Session::open(&here);
    let mut params = first.cut(json!({"attempt": "0123456789abcdef"}));
    let second = Session::initialize(here.connect(), params.clone());
    params["resume"]["turn"] = json!(2);
    let mut third = Session::initialize(there.connect(), params.clone());
    assert_eq!(third.opened["resumed"], true);
    assert_eq!(third.opened["resume_token"], second.opened["resume_token"]);
    // What was held back on its way takes nothing from whoever has come since.
    for turn in [1, 2] {
        params["resume"]["turn"] = json!(turn);
        check_refused(&here, &params);
    }
    here.await_metric("session_resumes_total{outcome=\"late\"}", 2.0);
    third.check_alive();
    let mut other = params;
    other["resume"]["attempt"] = json!("another-attempt-of-it");
    check_refused(&here, &other);
}

#[test]
fn a_resume_that_takes_long_takes_nothing_from_the_one_made_after_it() {
    let pods = Pods::new();
    let cable = Cable::to(&pods.redis.address());
    let gateway = pods.pod_with(|config| {
        config.runtime.shards = 1;
        config.store.redis.addresses = vec![cable.address()];
        config.store.redis.command_timeout_ms = 10_000;
    });
    let mut params = Session::open(&gateway).cut(json!({"attempt": "0123456789abcdef", "unanswered": ["a"]}));
    gateway.await_no_connections();
    cable.delay(Duration::from_millis(700));
    let (mut slow, mut fast) = (gateway.connect(), gateway.connect());
    slow.request("slow", "initialize", &params);
    // The second comes to the store while the answer to the first is on its way.
    let session = params["resume"]["session_id"].as_str().expect("a session has an id");
    let epoch = format!("HGET mcpw:s:{{{session}}} e");
    until("the resume to come to Redis", || pods.redis.ask(&epoch).filter(|epoch| epoch.contains("\r\n2")));
    params["resume"]["turn"] = json!(2);
    fast.request("fast", "initialize", &params);
    slow.error(&json!("slow"), 4009);
    slow.closed(1013);
    assert_eq!(fast.result("fast")["resumed"], true);
    cable.mend();
    fast.check_alive();
}

#[test]
fn a_session_that_is_not_there_is_opened_anew() {
    let gateway = Gateway::start();
    let params = json!({"resume": {
        "session_id": "01a204f6-03c8-74fc-b31e-452765a423b4",
        "resume_token": "A".repeat(43),
        "unanswered": [1, "a"],
    }});
    let session = Session::initialize(gateway.connect(), params);
    assert_eq!((&session.opened["resumed"], &session.opened["recovered"]), (&json!(false), &json!(false)));
    assert_eq!(session.opened["resumable"], true);
    assert_eq!(session.opened["resend"], json!([1, "a"]));
}

#[test]
fn a_session_that_its_client_closed_is_gone() {
    let gateway = Gateway::start();
    let mut first = Session::open(&gateway);
    let params = first.resume(json!({}));
    assert_eq!(first.ask("session.close", &json!({})), json!({}));
    first.await_close(1000);
    let second = Session::initialize(gateway.connect(), params);
    assert_eq!(second.opened["resumed"], false);
}

#[test]
fn a_session_waits_for_its_window_and_no_longer() {
    let gateway = Gateway::with(|config| config.session.resume_window_ms = 1);
    let params = Session::open(&gateway).cut(json!({}));
    // By the time that the end of the connection is seen, a millisecond has passed.
    gateway.await_no_connections();
    assert_eq!(Session::initialize(gateway.connect(), params).opened["resumed"], false);
}

#[test]
fn what_is_no_resume_is_told_by_its_field() {
    let gateway = Gateway::with(|config| config.session.max_unanswered = 2);
    let token = "A".repeat(43);
    let id = "01a204f6-03c8-74fc-b31e-452765a423b4";
    for (resume, told) in [
        (json!(5), "params.resume must be an object"),
        (json!({ "session_id": id }), "needs session_id and resume_token"),
        (json!({"session_id": "x", "resume_token": token}), "session_id is no session id"),
        (json!({"session_id": id, "resume_token": "x"}), "resume_token is no resume token"),
        (json!({"session_id": 5, "resume_token": token}), "params.resume.session_id is 5"),
        (json!({"unanswered": 5}), "params.resume.unanswered must be an array"),
        (json!({"unanswered": [{}]}), "params.resume.unanswered must be an array"),
        (json!({"unanswered": [1, 2, 3]}), "session.max_unanswered is 2"),
        (json!({"last_offset": 5}), "stand together"),
        (json!({"last_offset": 5, "log_epoch": "x"}), "16 hexadecimal digits"),
        (json!({"attempt": "short"}), "16 to 64 bytes"),
        (json!({"turn": 0}), "params.resume.turn"),
        (json!({"turn": 4_294_967_296_u64}), "4294967295 is the most"),
    ] {
        let message = gateway.connect().ask_wrong("initialize", &json!({ "resume": resume }), 4005);
        assert!(message.contains(told), "{resume}: {message}");
    }
    let params = json!({"resume": {"unanswered": [1, 2]}});
    assert_eq!(Session::initialize(gateway.connect(), params).opened["resend"], json!([1, 2]));
}

#[test]
fn a_binary_client_takes_up_what_a_json_client_left() {
    let gateway = Gateway::start();
    let params = Session::open(&gateway).cut(json!({}));
    let mut client = gateway.connect_binary();
    client.packet(&tests::Packet::request(1, 1, params.to_string().as_bytes()));
    let opened: Value = serde_json::from_slice(&client.reply().payload).unwrap();
    assert_eq!(opened["resumed"], true);
}
