//! The tools that need no files, and what all of them say of themselves.
use std::time::{Duration, Instant};

use protocol::pb::{Annotations, DescribeRequest, call_event::Event};
use serde_json::{Value, json};

use crate::harness::{Tools, folder, next};

async fn tools() -> Tools {
    Tools::over(folder(&[]).path()).await
}

#[tokio::test]
async fn every_tool_is_read_only_idempotent_and_described() {
    let mut tools = tools().await;
    let description =
        tools.client.describe(DescribeRequest {}).await.expect("it describes itself").into_inner();
    let names: Vec<_> = description.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["fs.read", "fs.list", "fs.search", "time.now", "echo", "sleep"]);
    assert_eq!(description.name, "tools");
    for tool in &description.tools {
        let expected = Annotations { read_only: true, idempotent: true, destructive: false, joinable: false };
        assert_eq!(tool.annotations, Some(expected), "{}", tool.name);
        assert!(!tool.description.is_empty(), "{}", tool.name);
        let input: Value = serde_json::from_slice(&tool.input_schema).expect("a schema is JSON");
        assert!(input.is_object(), "{}: {input}", tool.name);
    }
}

#[tokio::test]
async fn echo_returns_its_args_byte_for_byte() {
    let tools = tools().await;
    for json in ["{ \"z\":1.0,\"a\" : [1e2, \"\\u00e4\"] }", "null", "\"text\"", "-0", "[[[[]]]]"] {
        assert_eq!(tools.last("echo", json).await, Event::Result(json.to_owned().into()));
    }
}

#[tokio::test]
async fn the_time_is_now_at_any_offset() {
    let tools = tools().await;
    let check = async |timezone: Value, ending: &str| {
        let now = tools.result("time.now", json!({ "timezone": timezone })).await;
        let text = now["time"].as_str().expect("a time is text");
        assert!(text.ends_with(ending), "{text:?} does not end with {ending:?}");
        let time: jiff::Timestamp = text.parse().expect("RFC 3339");
        assert_eq!(now["unix_ms"], time.as_millisecond());
        let age = jiff::Timestamp::now().duration_since(time);
        assert!(age < jiff::SignedDuration::from_secs(20) && !age.is_negative(), "{age}");
    };
    check(json!(null), "Z").await;
    check(json!("UTC"), "Z").await;
    check(json!("+00:00"), "+00:00").await;
    check(json!("+05:45"), "+05:45").await;
    check(json!("-09:30"), "-09:30").await;
    check(json!("+23:59"), "+23:59").await;
    for timezone in
        ["", "+", "+24:00", "+01:60", "+1:00", "01:00", "+01-00", "+0100", "+-1:00", "Europe/Berlin", "ä"]
    {
        tools.refuses("time.now", json!({ "timezone": timezone }), 4005, "timezone").await;
    }
}

#[tokio::test]
async fn sleep_reports_every_100_ms_and_says_how_long_it_slept() {
    let tools = tools().await;
    let start = Instant::now();
    let mut events = tools.start("sleep", r#"{"ms":350}"#).await;
    let mut reports: Vec<f64> = Vec::new();
    let slept = loop {
        match next(&mut events).await {
            Event::Progress(progress) => {
                assert_eq!(progress.total, 350.0);
                reports.push(progress.progress);
            }
            Event::Result(json) => break serde_json::from_slice::<Value>(&json).expect("a result is JSON"),
            other => panic!("unexpected: {other:?}"),
        }
    };
    assert!(start.elapsed() >= Duration::from_millis(350));
    let slept = slept["slept_ms"].as_f64().expect("a number");
    assert!((350.0..10_000.0).contains(&slept), "{slept}");
    assert!((1..=3).contains(&reports.len()), "{reports:?}");
    assert!(
        reports[0] >= 100.0 && reports.is_sorted() && reports.iter().all(|report| *report <= slept),
        "{reports:?}"
    );
}

#[tokio::test]
async fn sleep_has_a_longest_time() {
    let tools = tools().await;
    assert!(tools.result("sleep", json!({ "ms": 0 })).await["slept_ms"].is_u64());
    tools.refuses("sleep", json!({ "ms": 600_001 }), 4005, "ms: use 0 to 600000").await;
    tools.refuses("sleep", json!({ "ms": -1 }), 4005, "ms").await;
    tools.refuses("sleep", json!({}), 4005, "ms").await;
    let mut longest = tools.start("sleep", r#"{"ms":600000}"#).await;
    assert!(matches!(next(&mut longest).await, Event::Progress(progress) if progress.total == 600_000.0));
}
