//! Backends with tools of the same name.

use crate::eras;
use crate::peer::Peer;
use backend::{Backend, Call, Failure, Json, Raw, Tool};
use serde_json::{Value, json};
use tests::{Tools, until};

/// A backend with a tool `echo` of its own, which says who it is.
fn native() -> Backend {
    let echo =
        Tool::new("echo", |_: Call, _: Raw| async move { Ok::<_, Failure>(Json(json!({"by": "native"}))) });
    Backend::new("native").tool(echo)
}

/// Who answers a call of `echo`.
fn owner(peer: &mut Peer) -> Value {
    let result = peer.call("echo", &json!({}));
    result["structuredContent"]["by"].clone()
}

#[test]
fn a_bridge_is_served_but_for_the_tools_whose_names_others_have() {
    let scene = eras::Scene::new("modern");
    let gateway = &scene.gateway;
    let mut peer = Peer::modern(gateway);
    assert_eq!(owner(&mut peer), Value::Null, "alone the bridge has it");
    let tools = Tools::serve(native(), gateway);
    let left_out = |backend: &str, owner: &str, count: f64| {
        let series = format!("backend_tools_left_out{{backend=\"{backend}\",owner=\"{owner}\"}}");
        until(&format!("{count} as {series}"), || (gateway.metrics().count(&series) == count).then_some(()));
    };
    // A backend's own tool comes first, and the others of the bridge stay.
    left_out("mcp", "native", 1.0);
    assert_eq!(owner(&mut peer), "native");
    peer.call("progress", &json!({}));
    // A second bridge with the same tools has none of them, but is there: its resources are.
    let other = eras::server("other", "legacy", std::path::Path::new("/dev/null"));
    let _other = crate::harness::Bridge::start(bridge::Settings {
        name: "other".into(),
        registry: vec![format!("http://{}", gateway.grpc)],
        servers: vec![other],
        ..Default::default()
    });
    left_out("other", "native", 1.0);
    left_out("other", "mcp", 9.0);
    assert!(peer.ask("server/discover", &json!({}))["instructions"].is_string());
    drop(tools);
    left_out("mcp", "native", 0.0);
    assert_eq!(owner(&mut peer), Value::Null);
}
