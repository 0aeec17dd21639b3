//! Children are gone with whoever they are for, and come back while they are needed.

use crate::harness::{Bridge, below, node, runs};
use bridge::Server;
use serde_json::json;
use std::process::Command;
use std::time::Duration;
use tests::{until, until_within};

fn kill(id: u32) {
    let killed = Command::new("kill").args(["-9", &id.to_string()]).status().expect("there is a kill");
    assert!(killed.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_bridge_killed_all_below_it_is_gone_within_a_second() {
    // Its children, one of which has left its group, do not see that its input ends.
    let nested = Server {
        name: "nested".into(),
        command: ["sh", "-c", "sleep 1000 & setsid sleep 1000 & cat"].map(str::to_owned).to_vec(),
        ..Server::default()
    };
    let settings = bridge::Settings {
        start_timeout_ms: 2_000,
        servers: vec![node("memory", &["server-memory"]), nested],
        ..Default::default()
    };
    let mut bridge = Bridge::start(settings);
    // Two supervisors, Node, the shell, and the three that it runs.
    let all = until("the children of the shell", || Some(below(bridge.id())).filter(|all| all.len() >= 7));
    bridge.kill();
    until_within(Duration::from_secs(1), "the end of all children", || {
        all.iter().all(|id| !runs(*id)).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_or_its_supervisor_that_is_killed_comes_back() {
    let bridge = Bridge::with([Server { backoff_ms: 1, ..node("memory", &["server-memory"]) }]);
    let mut client = bridge.client().await;
    for depth in [1, 0] {
        client.call("read_graph", json!({})).await;
        let all = below(bridge.id());
        kill(all[depth]);
        until("the end of both", || all.iter().all(|id| !runs(*id)).then_some(()));
        until("both once more", || (below(bridge.id()).len() >= 2).then_some(()));
    }
    let back = async { client.call("read_graph", json!({})).await };
    assert!(back.await["content"].is_array());
}
