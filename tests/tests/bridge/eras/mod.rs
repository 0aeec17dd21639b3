//! Clients and servers of both eras: what each is told of the other through a gateway and the bridge. `docs/mcp-translation.md` has
//! a line for each feature, with its test here.

mod calls;
mod crowds;
mod input;
mod lists;
mod news;
mod page;
mod refused;
mod upstream;

use crate::harness::Bridge;
use crate::peer::Peer;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;
use tests::{Gateway, until};

const FIXTURE: &str = env!("CARGO_BIN_EXE_mcp-fixture-under-test");
const ERAS: [&str; 2] = ["legacy", "modern"];

/// A gateway, and the bridge before one server, which writes down what it is sent.
pub(crate) struct Scene {
    pub(crate) gateway: Gateway,
    bridge: Bridge,
    record: PathBuf,
    _folder: TempDir,
}

/// A server of this era that writes down what it is sent.
pub(crate) fn server(name: &str, era: &str, record: &std::path::Path) -> bridge::Server {
    let command = [FIXTURE, era].map(str::to_owned).to_vec();
    let mut server = bridge::Server { name: name.into(), command, ..Default::default() };
    server.env.0.insert("MCP_FIXTURE_RECORD".into(), record.to_string_lossy().into_owned());
    server
}

impl Scene {
    pub(crate) fn new(era: &str) -> Self {
        Self::with(era, |_| {})
    }

    fn with(era: &str, configure: impl FnOnce(&mut bridge::Settings)) -> Self {
        let folder = TempDir::with_prefix("mcpw-").expect("the system has a folder for temporary files");
        // With one shard, so that all clients see the same at once.
        let gateway = Gateway::with(|config| config.runtime.shards = 1);
        let record = folder.path().join("record");
        let mut settings = bridge::Settings {
            registry: vec![format!("http://{}", gateway.grpc)],
            servers: vec![server("one", era, &record)],
            ..Default::default()
        };
        configure(&mut settings);
        let bridge = Bridge::start(settings);
        Peer::modern(&gateway).await_tool("play");
        Self { gateway, bridge, record, _folder: folder }
    }

    /// A client of this era that can be asked for everything.
    fn client(&self, era: &str) -> Peer {
        let all =
            json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {"listChanged": true}});
        self.client_with(era, &all)
    }

    fn client_with(&self, era: &str, capabilities: &Value) -> Peer {
        match era {
            "legacy" => Peer::initialize_with(&self.gateway, "2025-11-25", capabilities, &json!({})),
            _ => Peer::modern_with(&self.gateway, &self.gateway.keys.token(), capabilities),
        }
    }

    /// The lines that the server was sent which have this in them.
    fn sent(&self, part: &str) -> Vec<String> {
        let record = std::fs::read_to_string(&self.record).unwrap_or_default();
        record.lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }

    /// The latest of them, once there is one.
    fn await_sent(&self, part: &str) -> String {
        until(&format!("the server to be sent {part}"), || self.sent(part).pop())
    }
}

/// Runs a test with clients and servers of each era.
fn each(test: impl Fn(&Scene, Peer, [&str; 2])) {
    for server in ERAS {
        let scene = Scene::new(server);
        for client in ERAS {
            test(&scene, scene.client(client), [client, server]);
        }
    }
}

/// The params of a call of which the server plays these lines, and these once the client has answered.
fn played(lines: &[&str], again: &[&str]) -> Value {
    json!({"name": "play", "arguments": {"lines": lines, "again": again}})
}
