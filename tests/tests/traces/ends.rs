//! Calls that end together with their session.

use crate::{TRACE, ask, collector, parent, traced_with};
use gateway::config::StoreKind;
use serde_json::json;
use tests::{Redis, Tools, until};

#[test]
fn a_session_that_is_over_fails_no_call_that_ended_with_it() {
    const SESSIONS: usize = 16;
    let (collector, redis) = (collector(), Redis::start());
    let gateway = traced_with(&collector, 0.0, |config| {
        config.store.kind = StoreKind::Redis;
        config.store.redis.addresses = vec![redis.address()];
    });
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("echo");
    for _ in 0..SESSIONS {
        let mut client = gateway.connect();
        client.ask("initialize", &json!({}));
        let params = json!({"tool": "echo", "args": {"text": "last"}});
        assert!(
            ask(&mut client, "call", "tool.execute", &params, &parent(TRACE, true))["result"].is_object()
        );
        client.ask("session.close", &json!({}));
        client.closed(1000);
    }
    let finishes = until("each end to be told", || {
        let told = collector.spans().into_iter().filter(|span| span.name == "journal.finish");
        Some(told.collect::<Vec<_>>()).filter(|told| told.len() == SESSIONS)
    });
    assert!(finishes.iter().all(|span| !span.failed), "{finishes:#?}");
}
