//! Each scenario, in short form, at a real gateway.

use gateway::config::Demand;
use serde_json::{Value, json};
use tests::{Authority, Process};

use super::{Bench, bench, bench_at, count, number};
use crate::tools::Tools;
use crate::{gateway, gateway_with, repository};

const RECEIVED: &str = "websocket_messages_received_total{type=\"request\",method=";

/// Nothing went wrong, and a distribution is one.
#[track_caller]
fn check_clean(figures: &Value, latency: &str) {
    assert_eq!(figures["errors"], json!([]), "{figures:#}");
    assert_eq!((count(figures, "/connections/refused"), count(figures, "/connections/lost")), (0, 0));
    let at = |quantile: &str| number(figures, &format!("{latency}/{quantile}"));
    assert!(
        at("p50_us") > 0.0 && at("p50_us") <= at("p90_us") && at("p90_us") <= at("p99_us"),
        "{figures:#}"
    );
    assert!(at("p99_us") <= at("p999_us") && at("p999_us") <= at("max_us"), "{figures:#}");
    let values = figures.pointer(&format!("{latency}/histogram")).and_then(Value::as_array).expect("values");
    let sum: u64 = values.iter().map(|value| value[1].as_u64().expect("a count")).sum();
    assert_eq!(sum, count(figures, &format!("{latency}/count")));
}

/// Every request that was sent had a right answer, and the gateway got as many.
#[track_caller]
fn check_messages(gateway: &Process, figures: &Value, index: usize, method: &str) {
    let at = |field: &str| count(figures, &format!("/messages/{index}/{field}"));
    let sent = at("sent");
    assert!(sent > 0, "{figures:#}");
    assert_eq!((at("answered"), at("failed"), at("unanswered")), (sent, 0, 0), "{figures:#}");
    assert_eq!(gateway.metrics().value(&format!("{RECEIVED}\"{method}\"}}")), sent as f64);
}

#[test]
fn echoes_are_as_many_as_the_gateway_got_in_both_formats() {
    for line in ["echo -c 4 --depth 8", "echo -c 4 --depth 8 --binary --threads 2"] {
        let gateway = gateway();
        let figures = bench(&gateway, line).figures();
        check_clean(&figures, "/messages/0/latency");
        check_messages(&gateway, &figures, 0, "echo");
        assert_eq!(gateway.metrics().value("websocket_connections_total"), 4.0);
        // Without a warm-up all answers but those after the end are measured.
        let measured = number(&figures, "/messages/0/per_second") * number(&figures, "/seconds");
        let answered = count(&figures, "/messages/0/answered") as f64;
        assert!(measured <= answered && measured >= answered - 32.5, "{measured} of {answered}");
        let second: u64 =
            figures["timeline"].as_array().expect("seconds").iter().map(|s| count(s, "/answered")).sum();
        assert_eq!(second as f64, answered);
        gateway.await_no_connections();
    }
}

#[test]
fn as_many_messages_are_sent_as_are_due() {
    for spin in ["", " --spin"] {
        let gateway = gateway();
        let line = format!("echo -c 3 --rate 200 --duration 2s --warm-up 500ms{spin}");
        let figures = bench(&gateway, &line).figures();
        check_clean(&figures, "/messages/0/latency");
        assert_eq!(count(&figures, "/messages/0/sent"), 500);
        assert_eq!(count(&figures, "/messages/0/latency/count"), 400, "those of the warm-up do not count");
        assert_eq!(count(&figures, "/unsent"), 0);
        // Whoever spins has work for a part of the time only.
        assert!(number(&figures, "/generator/busy") < 0.5, "{figures:#}");
        check_messages(&gateway, &figures, 0, "echo");
    }
}

#[test]
fn calls_go_to_the_tool_and_errors_are_told_by_their_code() {
    let gateway = gateway();
    let _tools = Tools::start(&gateway, &repository(), "127.0.0.1:0");
    gateway.connect().await_tool("echo");
    let line = r#"calls echo {"text":"hi"} -c 2 --depth 4"#;
    let figures = bench(&gateway, line).figures();
    check_clean(&figures, "/messages/0/latency");
    check_messages(&gateway, &figures, 0, "tool.execute");
    assert_eq!(gateway.metrics().value("backend_calls_total"), count(&figures, "/messages/0/sent") as f64);

    let figures = bench(&gateway, "calls no.such.tool -c 1 --rate 20").figures();
    assert_eq!(figures["errors"][0]["kind"], "error 4010 not_found");
    assert_eq!(count(&figures, "/errors/0/count"), count(&figures, "/messages/0/failed"));
    assert_eq!((count(&figures, "/messages/0/failed"), count(&figures, "/messages/0/answered")), (20, 0));
    let told = figures["errors"][0]["told"].as_str().expect("what the gateway says");
    assert!(told.contains("no.such.tool"), "{told}");
}

#[test]
fn each_event_comes_to_each_connection() {
    for line in ["events -c 6 --rate 50 --threads 2", "events -c 6 --rate 50 --binary --publishers 2"] {
        let gateway = gateway();
        let figures = bench(&gateway, line).figures();
        check_clean(&figures, "/events/latency");
        check_messages(&gateway, &figures, 0, "event.publish");
        assert_eq!(count(&figures, "/messages/0/sent"), 50);
        assert_eq!((count(&figures, "/events/expected"), count(&figures, "/events/delivered")), (300, 300));
        assert_eq!(gateway.metrics().value("events_delivered_total"), 300.0);
    }
}

#[test]
fn several_kinds_of_messages_go_side_by_side() {
    let gateway = gateway();
    let _tools = Tools::start(&gateway, &repository(), "127.0.0.1:0");
    gateway.connect().await_tool("echo");
    let figures = bench(&gateway, "mixed --mix echo=3,call=1,publish=1 -c 5 --rate 100").figures();
    check_clean(&figures, "/messages/0/latency");
    for (index, method, share) in [(0, "echo", 60), (1, "tool.execute", 20), (2, "event.publish", 20)] {
        check_messages(&gateway, &figures, index, method);
        assert_eq!(count(&figures, &format!("/messages/{index}/sent")), share);
    }
    assert_eq!((count(&figures, "/events/expected"), count(&figures, "/events/delivered")), (100, 100));
}

#[test]
fn connections_are_opened_at_a_rate_and_counted() {
    let gateway = gateway();
    let figures = bench(&gateway, "connect -c 40 --connect-rate 40 --threads 2").figures();
    check_clean(&figures, "/connections/upgrade");
    check_clean(&figures, "/connections/session");
    assert_eq!(
        (count(&figures, "/connections/opened"), count(&figures, "/connections/upgrade/count")),
        (40, 40)
    );
    assert_eq!(gateway.metrics().value("websocket_connections_total"), 40.0);
    let took = number(&figures, "/connections/seconds");
    assert!(took >= 0.9, "40 connections at 40 a second took {took} s");
}

#[test]
fn idle_connections_answer_pings_and_losses_are_told() {
    let mut gateway = gateway_with(|config| config.websocket.ping_interval_ms = 200);
    let figures = bench(&gateway, "idle -c 5 --duration 2s").figures();
    assert!(count(&figures, "/pings") >= 5, "{figures:#}");
    check_clean(&figures, "/connections/session");

    let Bench { mut command, folder } = bench(&gateway, "idle -c 5 --duration 60s");
    let running = crate::process::Process::start(&mut command);
    gateway.await_metric("websocket_connections_active", 5.0);
    gateway.terminate();
    gateway.await_exit();
    // All are gone, so that there is nothing left to wait for.
    assert_eq!(running.end().code, Some(0));
    let figures = Bench { command, folder }.read();
    assert_eq!(count(&figures, "/connections/lost"), 5, "{figures:#}");
    let closed: u64 = figures["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|error| error["kind"] == "closed with 1012")
        .map(|error| count(error, "/count"))
        .sum();
    assert_eq!(closed, 5, "{figures:#}");
}

#[test]
fn all_connections_come_back_from_a_storm_in_their_sessions() {
    let gateway = gateway();
    let figures = bench(&gateway, "storm -c 30 --threads 2 --duration 20s").figures();
    check_clean(&figures, "/storm/latency");
    let at = |field: &str| count(&figures, &format!("/storm/{field}"));
    assert_eq!((at("dropped"), at("resumed"), at("renewed"), at("latency/count")), (30, 30, 0, 30));
    assert!(number(&figures, "/storm/seconds") > 0.0);
    assert_eq!(gateway.metrics().value("session_resumes_total{outcome=\"resumed\"}"), 30.0);
}

#[test]
fn refusals_of_a_storm_are_told_and_tried_again() {
    let gateway = gateway_with(|config| {
        config.websocket.max_handshakes_per_ip = 8;
        config.websocket.handshake_burst_per_ip = 20;
    });
    let figures = bench(&gateway, "storm -c 16 --duration 30s").figures();
    assert_eq!((count(&figures, "/storm/dropped"), count(&figures, "/storm/latency/count")), (16, 16));
    let refused = count(&figures, "/connections/refused");
    assert!(refused > 0, "{figures:#}");
    assert_eq!(figures["errors"][0]["kind"], "refused with 429", "{figures:#}");
    assert_eq!(count(&figures, "/errors/0/count"), refused);
}

#[test]
fn a_gateway_under_tls_that_asks_for_signatures_is_measured_like_any_other() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let authority = Authority::fresh("bench");
    let (certificate, key) = authority.certify(&["127.0.0.1"]).write(folder.path(), "gateway");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).expect("the folder is ours");
    let gateway = gateway_with(|config| {
        (config.tls.cert_file, config.tls.key_file) = (Some(certificate), Some(key));
        config.security.hmac_signatures = Demand::Required;
    });
    let (url, token) = (format!("wss://{}/ws", gateway.clients), gateway.keys.token());
    for line in
        ["echo -c 3 --depth 16 --size 2000", "events -c 3 --rate 50 --binary", "storm -c 3 --duration 20s"]
    {
        let line = format!("{line} --ca-file {}", ca.display());
        let figures = bench_at(&url, &token, &line).figures();
        assert_eq!(figures["errors"], json!([]), "{figures:#}");
        assert_eq!(count(&figures, "/connections/lost"), 0);
        let opened = count(&figures, "/connections/opened");
        assert_eq!(count(&figures, "/connections/resumable"), opened);
    }
    let refused = bench_at(&url, &token, "echo -c 1").end();
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("certificate"), "{}", refused.stderr);
}
