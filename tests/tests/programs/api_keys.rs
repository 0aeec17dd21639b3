//! `mcpw api-key`: what it prints opens the gateway that has the entry, and no other.

use std::process::Stdio;

use tempfile::TempDir;

use crate::call::call;
use crate::markdown::{blocks, pages};
use crate::process::run;
use crate::{gateway_with, mcpw};

#[test]
fn a_made_key_opens_the_gateway_whose_file_has_its_entry() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("keys.yaml");
    let entries = std::fs::File::create(&file).expect("the folder is ours");
    let mut command = mcpw();
    command.args(["api-key", "new", "--tenant", "acme", "--agent", "ci", "--scope", "*", "--ttl", "1h"]);
    let made = command.stdin(Stdio::null()).stdout(entries).output().expect("the binary was built");
    assert!(made.status.success(), "{made:?}");
    let key = String::from_utf8(made.stderr).expect("a key is text");
    let key = key.trim_end();
    assert!(key.starts_with("mcpw_") && key.lines().count() == 1, "{key}");
    let entry = std::fs::read_to_string(&file).expect("the folder is ours");
    let secret = key.splitn(3, '_').nth(2).expect("mcpw_<id>_<secret>");
    assert!(entry.starts_with("- {") && !entry.contains(secret), "{entry}");

    let gateway = gateway_with(|config| config.auth.api_keys_file = Some(file.clone()));
    let url = format!("ws://{}/ws", gateway.clients);
    assert_eq!(run(call(&url, key).args(["echo", "[1]"])).success(), "[1]\n");
    let elsewhere = crate::gateway();
    let refused = run(call(&format!("ws://{}/ws", elsewhere.clients), key).args(["echo", "[1]"]));
    assert_eq!(refused.code, Some(3));
    assert!(refused.stderr.contains("the API key is not accepted"), "{}", refused.stderr);
}

#[test]
fn mistakes_are_told_with_what_would_be_right() {
    for (line, expected) in [
        (&["--tenant", "acme"][..], "--agent"),
        (&["--tenant", "", "--agent", "ci"], "tenant must have 1 to 128 bytes"),
        (&["--tenant", "acme", "--agent", "ci", "--scope", "a b"], "scopes must each be printable ASCII"),
        (&["--tenant", "acme", "--agent", "ci", "--ttl", "soon"], "90s, 15m, 1h, 7d"),
    ] {
        let ended = run(mcpw().args(["api-key", "new"]).args(line));
        assert!(ended.code != Some(0) && ended.stderr.contains(expected), "{ended:?}");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn the_documented_file_can_be_loaded() {
    let mut shown = pages().into_iter().flat_map(|page| blocks(&page));
    let shown =
        shown.find(|block| block.title.as_deref() == Some("api-keys.yaml")).expect("it is documented");
    let folder = TempDir::new().expect("a temporary folder");
    let (keys, config) = (folder.path().join("keys.yaml"), folder.path().join("mcpw.yaml"));
    std::fs::write(&keys, shown.text).expect("the folder is ours");
    std::fs::write(&config, format!("auth:\n  api_keys_file: {}\n", keys.display())).expect("it is ours");
    run(mcpw().arg("check-config").arg("--config").arg(&config)).success();
}

#[test]
fn a_broken_file_ends_the_start() {
    let folder = TempDir::new().expect("a temporary folder");
    let (keys, config) = (folder.path().join("keys.yaml"), folder.path().join("mcpw.yaml"));
    std::fs::write(&config, format!("auth:\n  api_keys_file: {}\n", keys.display())).expect("it is ours");
    for (text, expected) in [
        (Some("- id: a\n  hash: sha256:00\n  tenant: acme\n  agent: ci\n"), "[0].hash must be sha256:"),
        (Some("- id: a\n  secret: b\n"), "secret"),
        (Some(""), "it is empty"),
        (None, "can't read"),
    ] {
        match text {
            Some(text) => std::fs::write(&keys, text).expect("it is ours"),
            None => std::fs::remove_file(&keys).expect("it is ours"),
        }
        for command in ["gateway", "check-config"] {
            let ended = run(mcpw().arg(command).arg("--config").arg(&config));
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.stderr.contains("keys.yaml") && ended.stderr.contains(expected), "{ended:?}");
        }
    }
}
