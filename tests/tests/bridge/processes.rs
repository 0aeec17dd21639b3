//! Children are gone with whoever they are for, and come back while they are needed.

use crate::harness::{Bridge, below, node, runs};
use bridge::{Per, Server};
use serde_json::json;
use std::process::Command;
use std::time::Duration;
use tests::{Gateway, Session, until, until_within};

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

#[test]
fn the_child_of_a_session_is_gone_within_a_second_after_its_end() {
    let gateway = Gateway::start();
    let server = Server { per: Per::Session, ..node("memory", &["server-memory"]) };
    let bridge = Bridge::start(bridge::Settings {
        registry: vec![format!("http://{}", gateway.grpc)],
        servers: vec![server],
        ..Default::default()
    });
    let mut one = Session::open(&gateway);
    one.await_tool("read_graph");
    let common = below(bridge.id());
    let mut other = Session::open(&gateway);
    let call = json!({"tool": "read_graph", "args": {}});
    other.ask("tool.execute", &call);
    let others = below(bridge.id());
    one.ask("tool.execute", &call);
    let own: Vec<u32> = below(bridge.id()).into_iter().filter(|id| !others.contains(id)).collect();
    assert_eq!((common.len(), others.len(), own.len()), (2, 4, 2));
    one.ask("session.close", &json!({}));
    until_within(Duration::from_secs(1), "the end of its child", || {
        own.iter().all(|id| !runs(*id)).then_some(())
    });
    assert!(others.iter().all(|id| runs(*id)), "the other session still has its own");
    other.ask("tool.execute", &call);
}
