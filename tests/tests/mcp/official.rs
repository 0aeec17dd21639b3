//! The protocol's own clients, as they are: they offer `mcp`, set no header, and have opened a session before they ask.

use crate::tools::native;
use crate::{Peer, Server};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{Gateway, Tools};

fn installed(part: &str) -> PathBuf {
    tests::installed(env!("CARGO_TARGET_TMPDIR"), part)
}

/// Runs a client to its end and looks at what it saw.
fn check(client: impl FnOnce(&str) -> Command) {
    let gateway = Gateway::with(|config| config.auth.required = false);
    let server = Server::new();
    let _backends = [Tools::serve(native(), &gateway), server.serve("words", &gateway)];
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("walk");
    peer.await_tool("words.own");
    let output = client(&format!("ws://{}/mcp", gateway.clients)).output().expect("it can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let seen: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let expected = json!({
        "version": "2025-11-25",
        "server": "mcpw",
        "tools": ["fail", "walk", "words.own"],
        "walked": {"done": true},
        "progress": [[1, 2, "half"]],
        "asked": ["Who?"],
        "told": {"who": {"action": "accept", "content": {"name": "n"}}, "state": "s\"1"},
        "failed": true,
        "contents": "words",
    });
    for (member, value) in expected.as_object().expect("an object") {
        // One writes whole numbers with a fraction, the other without.
        let (found, awaited) = (seen[member].to_string().replace(".0", ""), value.to_string());
        assert_eq!(found, awaited, "{member}: {seen}\n{said}");
    }
}

#[test]
fn the_python_sdk_is_served_over_its_websocket_transport() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/client.py");
    check(|url| {
        let mut command = Command::new(installed("venv/bin/python"));
        command.arg(&file).arg(url);
        command
    });
}

#[test]
fn the_typescript_sdk_is_served_over_its_websocket_transport() {
    // Node looks for packages in the folders above the program.
    let package = installed("node/node_modules/@modelcontextprotocol/sdk");
    let folder = package.ancestors().nth(3).expect("it is three folders down");
    let own = tempfile::Builder::new().prefix("run").tempdir_in(folder).expect("the target folder is ours");
    let file = own.path().join("client.mjs");
    std::fs::write(&file, include_str!("client.mjs")).expect("the folder is ours");
    check(|url| {
        let mut command = Command::new("node");
        command.arg(&file).arg(url);
        command
    });
}
