//! Traces, as a real collector takes them: whose trace a message is in, which are kept, and what becomes of those that no
//! collector takes.

mod contexts;
mod ends;
mod failures;
mod graves;
mod rest;
mod ways;

use gateway::Config;
use serde_json::{Value, json};
use tests::{Client, Collector, Gateway};

/// A collector.
fn collector() -> Collector {
    Collector::start(env!("CARGO_TARGET_TMPDIR"))
}

/// A gateway that sends its spans there, and keeps so many of its own traces.
fn traced(collector: &Collector, ratio: f64) -> Gateway {
    traced_with(collector, ratio, |_| {})
}

/// The same with other settings.
fn traced_with(collector: &Collector, ratio: f64, configure: impl FnOnce(&mut Config)) -> Gateway {
    let endpoint = collector.grpc();
    Gateway::with(|config| {
        (config.traces.endpoint, config.traces.ratio) = (Some(endpoint), ratio);
        configure(config);
    })
}

/// A trace of somebody else's.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// As it stands in a `traceparent`.
fn parent(trace: &str, sampled: bool) -> String {
    format!("00-{trace}-{SPAN}-0{}", u8::from(sampled))
}

/// Asks within a trace, and awaits an answer.
fn ask(client: &mut Client, id: &str, method: &str, params: &Value, traceparent: &str) -> Value {
    client.json(&json!({
        "id": id, "type": 0, "method": method, "params": params, "meta": {"traceparent": traceparent},
    }));
    client.message()
}

/// Asks for an echo that is kept, and waits until the collector has it: all that was told before it is there too.
fn settle(collector: &Collector, gateway: &Gateway) {
    const LAST: &str = "ffffffffffffffffffffffffffffffff";
    let mut client = gateway.connect();
    ask(&mut client, "last", "echo", &json!(0), &parent(LAST, true));
    collector.await_span("of the last echo", |span| span.trace == LAST);
}
