//! The gRPC side under attack: who may register and publish, TLS there and towards backends, and whoever breaks the contract
//! or HTTP/2. The functions named after attacks are one each for the lines of the attack checklist.

mod backends;
mod floods;
mod frames;
mod hostile;
mod proof;
mod rogue;
mod silence;
mod tls;

use backend::{Backend, Json, Tool};
use gateway::Config;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Endpoints, Process};

const BINARY: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

/// How long a backend is given to be refused.
const REFUSAL: Duration = Duration::from_secs(2);

/// A gateway as a process that does not log each frame.
fn process(configure: impl FnOnce(&mut Config)) -> Process {
    Process::start(BINARY, |config| {
        config.log.level = "gateway=info,warn".to_owned();
        configure(config);
    })
}

/// A backend of this name whose tools answer with its name.
fn named(name: &'static str, tools: &[&str]) -> Backend {
    tools.iter().fold(Backend::new(name), |backend, tool| {
        backend
            .tool(Tool::new(*tool, move |_call: backend::Call, _args: Value| async move { Ok(Json(name)) }))
    })
}

/// Executes a tool that has to answer.
#[track_caller]
fn execute(client: &mut Client, tool: &str) -> Value {
    client.ask("tool.execute", &json!({"tool": tool, "args": {}}))
}

/// Whether the tool answers now.
#[track_caller]
fn check_serves(gateway: &Endpoints, tool: &str, name: &str) {
    let mut client = gateway.connect();
    client.await_tool(tool);
    assert_eq!(execute(&mut client, tool), name);
}
