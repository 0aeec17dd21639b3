//! `mcpw dev`: a gateway and tools in one process, ready when its line is there.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value};
use tempfile::TempDir;
use tests::{Endpoints, Keys};

use crate::process::{Process, run};
use crate::{mcpw, repository};

/// A running `mcpw dev --json`.
#[derive(Debug)]
pub(crate) struct Dev {
    pub(crate) process: Process,
    ready: Map<String, Value>,
}

impl Dev {
    /// Starts it on free ports, with tools over the repository, logging from `info` up.
    pub(crate) fn start() -> Self {
        Self::over(&repository())
    }

    /// Starts it with tools over another folder.
    #[track_caller]
    pub(crate) fn over(root: &Path) -> Self {
        Self::with(root, [""; 0])
    }

    /// As [`Self::over`], with these arguments too.
    #[track_caller]
    fn with(root: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        let mut command = mcpw();
        command.args(["dev", "--json", "--root"]).arg(root).env("LOG_LEVEL", "info");
        command.args(arguments);
        for port in ["--listen", "--admin", "--grpc"] {
            command.args([port, "127.0.0.1:0"]);
        }
        let mut process = Process::start(&mut command);
        let line = process.await_output("");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        Self { process, ready }
    }

    pub(crate) fn url(&self) -> &str {
        self.text("url")
    }

    pub(crate) fn grpc(&self) -> &str {
        self.text("grpc")
    }

    pub(crate) fn token(&self) -> &str {
        self.text("token")
    }

    #[track_caller]
    fn text(&self, field: &str) -> &str {
        self.ready
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {field}: {:?}", self.ready))
    }
}

#[test]
fn the_ready_line_says_where_everything_is() {
    let dev = Dev::start();
    let mut fields: Vec<_> = dev.ready.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["admin", "grpc", "token", "url"]);

    let address = |field, scheme, rest| {
        let text = dev.text(field);
        let address = text.strip_prefix(scheme).and_then(|text| text.strip_suffix(rest));
        let address: SocketAddr =
            address.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{text}"));
        assert!(address.ip().is_loopback() && address.port() != 0, "{text}");
        address
    };
    let endpoints = Endpoints {
        clients: address("url", "ws://", "/ws"),
        admin: address("admin", "http://", ""),
        grpc: address("grpc", "http://", ""),
        keys: Keys::fresh(),
    };
    assert_eq!(endpoints.admin("/health/ready").status, 200);
    assert_eq!(endpoints.ask(&endpoints.upgrade()).status, 401, "the key is this process's own");
    std::net::TcpStream::connect(endpoints.grpc).expect("backends can connect");
    assert_eq!(dev.token().split('.').count(), 3);
}

#[test]
fn dev_prints_one_line_and_ends_well_on_ctrl_c() {
    let dev = Dev::start();
    let line = serde_json::to_string(&dev.ready).expect("it was parsed from JSON");
    dev.process.signal("INT");
    let ended = dev.process.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    let printed: Value = serde_json::from_str(&ended.stdout).expect("the line is JSON");
    assert_eq!(printed.to_string(), line);
}

/// What `mcpw call` prints for this method at this `mcpw dev`.
#[track_caller]
fn call(dev: &Dev, method: &str, params: &str) -> Value {
    let mut command = mcpw();
    command.args(["call", method, params]).env("MCPW_URL", dev.url()).env("MCPW_TOKEN", dev.token());
    let printed = run(&mut command).success();
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"))
}

#[test]
fn contexts_are_there_from_the_start_and_kept_below_the_data_folder() {
    let folder = TempDir::new().expect("a temporary folder");
    let data = folder.path().join("data");
    let arguments = [OsStr::new("--data"), data.as_os_str()];
    let dev = Dev::with(&repository(), arguments);
    let made = call(&dev, "context.create", r#"{"content":"The build takes seven minutes."}"#);
    dev.process.signal("TERM");
    let ended = dev.process.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let dev = Dev::with(&repository(), arguments);
    let found = call(&dev, "context.search", r#"{"query":"build minutes"}"#);
    assert_eq!(found["hits"][0]["id"], made["id"], "{found}");
    drop(dev);
    let other = call(&Dev::start(), "context.list", "{}");
    assert_eq!(other["contexts"], Value::Array(Vec::new()), "those of another folder");
}

#[test]
fn tools_of_a_server_of_mcp_stand_beside_those_of_the_same_name() {
    let servers = tests::installed(env!("CARGO_TARGET_TMPDIR"), "servers-node");
    let server = servers.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let dev = Dev::with(&repository(), ["--mcp".into(), format!("node {}", server.display())]);
    let own = call(&dev, "tool.execute", r#"{"tool":"echo","args":{"text":"hi"}}"#);
    assert_eq!(own["text"], "hi", "{own}");
    let bridged = call(&dev, "tool.execute", r#"{"tool":"index.js__echo","args":{"message":"hi"}}"#);
    assert!(bridged["content"][0]["text"].as_str().is_some_and(|text| text.contains("hi")), "{bridged}");
    dev.process.signal("TERM");
    assert_eq!(dev.process.end().code, Some(0));
}

#[test]
fn dev_ends_with_the_reason_if_contexts_cannot_be_kept() {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("contexts.db"), "no database").expect("the folder is ours");
    let mut command = mcpw();
    command.args(["dev", "--json", "--data"]).arg(folder.path());
    for port in ["--listen", "--admin", "--grpc"] {
        command.args([port, "127.0.0.1:0"]);
    }
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("is not an SQLite database"), "{}", ended.stderr);
}
