//! What outlives a connection: sessions, the journal of their calls, events; in one gateway, in several that share a
//! Redis, and while things are killed.

mod events;
mod guarantees;
mod journal;
mod loss;
mod metrics;
mod pods;
mod quotas;
mod resume;
mod revocations;

use serde_json::{Value, json};
use tests::{Endpoints, Pods, Process};

/// The params of a resume that the gateway is to refuse, and what it says.
fn check_refused(gateway: &Endpoints, params: &Value) {
    let mut client = gateway.connect();
    client.request("again", "initialize", params);
    client.error(&json!("again"), 4001);
    assert_eq!(client.closed(4401), "the resume was refused");
}

/// A gateway in a process of its own, which can be killed.
fn process(pods: &Pods) -> Process {
    pods.process(env!("CARGO_BIN_EXE_mcpw-under-test"))
}
