//! Whose trace a message is in, and whether it is kept.

use crate::{SPAN, TRACE, ask, collector, parent, settle, traced};
use serde_json::json;

/// That of an upgrade.
const OTHER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn the_messages_own_trace_counts_before_that_of_its_connection() {
    let collector = collector();
    let gateway = traced(&collector, 0.0);
    let upgrade = gateway.upgrade().with("traceparent", &parent(OTHER, true));
    let mut client = gateway.accepted(&upgrade);
    client.ask("echo", &json!("of the connection"));
    ask(&mut client, "own", "echo", &json!("of its own"), &parent(TRACE, true));
    drop(client);
    let connection = collector.await_named("websocket");
    assert_eq!((&*connection.trace, &*connection.parent), (OTHER, SPAN), "{connection:?}");
    assert_eq!(connection.links, [TRACE], "the connection names the traces on it");
    let mut echoes = collector.spans();
    echoes.retain(|span| span.name == "echo");
    assert_eq!(echoes.len(), 2, "{echoes:?}");
    let of = |trace: &str| echoes.iter().find(|span| span.trace == trace).expect("there is one of each");
    assert_eq!(of(OTHER).parent, connection.id, "a message that says nothing is a part of its connection");
    assert_eq!(of(TRACE).parent, SPAN, "one that names a trace is a part of that");
    assert_eq!(of(TRACE).kind, "SERVER");
    let auth = collector.await_named("auth");
    assert_eq!((&*auth.trace, &*auth.parent), (OTHER, &*connection.id));
}

#[test]
fn nothing_is_told_of_a_trace_that_its_head_does_not_keep() {
    let collector = collector();
    let gateway = traced(&collector, 1.0);
    let upgrade = gateway.upgrade().with("traceparent", &parent(OTHER, false));
    let mut client = gateway.accepted(&upgrade);
    client.ask("echo", &json!("of the connection"));
    ask(&mut client, "own", "echo", &json!("of its own"), &parent(TRACE, false));
    drop(client);
    settle(&collector, &gateway);
    for trace in [OTHER, TRACE] {
        assert!(!collector.text().contains(trace), "{:?}", collector.spans());
    }
}

#[test]
fn what_is_no_traceparent_begins_no_trace_and_breaks_nothing() {
    let collector = collector();
    let gateway = traced(&collector, 1.0);
    let upgrade = gateway.upgrade().with("traceparent", &parent(TRACE, true).to_uppercase());
    let mut client = gateway.accepted(&upgrade);
    for wrong in ["", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-ü"] {
        let answer = ask(&mut client, "wrong", "echo", &json!(1), wrong);
        assert_eq!(answer["result"], 1, "{answer}");
    }
    drop(client);
    settle(&collector, &gateway);
    assert!(!collector.text().to_lowercase().contains(TRACE));
    let spans = collector.spans();
    let own = spans.iter().filter(|span| span.name == "echo" && span.parent.is_empty());
    assert_eq!(own.count(), 4, "each is a trace of its own: {spans:?}");
}

#[test]
fn a_share_of_the_traces_that_begin_here_is_kept() {
    let collector = collector();
    let gateway = traced(&collector, 0.5);
    let mut client = gateway.connect();
    for _ in 0..200 {
        client.ask("echo", &json!(1));
    }
    drop(client);
    settle(&collector, &gateway);
    let kept = collector.spans().iter().filter(|span| span.name == "echo" && span.parent.is_empty()).count();
    // The chance of anything else is one in a billion.
    assert!((57..=143).contains(&kept), "{kept} of 200");
}
