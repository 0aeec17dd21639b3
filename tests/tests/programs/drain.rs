//! SIGTERM to `mcpw gateway`: calls in flight end as they would have, then the process does, and well.

use crate::call::call;
use crate::gateway;
use crate::process::Process;
use crate::repository;
use crate::tools::Tools;

#[test]
fn sigterm_lets_a_call_in_flight_finish_and_ends_with_0() {
    let mut gateway = gateway();
    let _tools = Tools::start(&gateway, &repository(), "127.0.0.1:0");
    gateway.connect().await_tool("sleep");
    let url = format!("ws://{}/ws", gateway.clients);
    let mut command = call(&url, &gateway.keys.token());
    let mut waiting =
        Process::start(command.args(["tool.execute", r#"{"tool":"sleep","args":{"ms":1500}}"#]));
    waiting.await_error("progress");

    gateway.terminate();
    gateway.await_log("draining");
    assert!(waiting.end().success().starts_with("{\"slept_ms\":1"));
    assert_eq!(gateway.await_exit().code(), Some(0));
}

#[test]
fn sigterm_without_connections_ends_at_once() {
    let mut gateway = gateway();
    gateway.terminate();
    assert_eq!(gateway.await_exit().code(), Some(0));
}
