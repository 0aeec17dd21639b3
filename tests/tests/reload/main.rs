//! Settings that change while the gateway runs: a process, its file, SIGHUP, the operators' port, and clients that are there.

mod answers;
mod backends;
mod clients;
mod log_level;

use gateway::Config;
use serde_json::{Value, json};
use tests::{Process, until};

/// The gateway as a process of its own.
fn process(configure: impl FnOnce(&mut Config)) -> Process {
    Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), configure)
}

/// Has the operators' port read the settings again; the status and the answer.
fn reload(process: &Process) -> (u16, Value) {
    let response = process.admin_post("/admin/v1/reload", &json!({}));
    (response.status, serde_json::from_str(&response.text()).expect("an answer in JSON"))
}

/// Changes the settings, and checks that these keys are in force then, and that none waits for a restart.
#[track_caller]
fn apply(process: &mut Process, configure: impl FnOnce(&mut Config), keys: &[&str]) {
    process.rewrite(configure);
    let before = reads(process);
    assert_eq!(reload(process), (200, json!({"applied": keys, "restart_needed": []})));
    until("the line of the reload", || (reads(process) > before).then_some(()));
}

/// How often the log says that the settings were read again.
fn reads(process: &Process) -> usize {
    process.log().iter().filter(|line| line.contains("the configuration was read again")).count()
}
