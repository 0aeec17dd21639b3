//! Prints docs/configuration.md from the settings and the shipped file: `cargo xtask generate` keeps it.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use gateway::config::{Effect, keys};
use std::collections::BTreeMap;

/// Every key with its default, and a comment each.
const SHIPPED: &str = include_str!("../../../deploy/config/mcpw.yaml");

fn main() {
    println!(
        "# Settings

<!-- Written by `cargo xtask generate` from crates/gateway/src/config and deploy/config/mcpw.yaml; changes here are lost. -->

Every key with its default, and when a changed value takes effect once the [configuration is read
again](operations.md#changes-while-it-runs):

- **at once**: for connections that are there too, with the next message, call or timeout;
- **new connections**: for connections that come from then on, and for requests of the REST API; those that are there stay as they are;
- **restart**: when the process is started anew. Until then it goes on with the value that it has, and says so.

Where a key is a list or a table with names of your own, all of it is one value."
    );
    let comments = comments();
    let mut table = "";
    let keys = keys();
    for (key, default) in &keys {
        let own = key.split('.').next().unwrap_or_default();
        if own != table {
            table = own;
            let about =
                comments.get(own).filter(|_| own != key).map_or(String::new(), |text| format!("{text}\n\n"));
            println!("\n## {own}\n\n{about}| key | default | takes effect | |\n|---|---|---|---|");
        }
        let comment = comments.get(key).map_or("", |text| text).replace('|', "\\|");
        println!("| `{key}` | `{default}` | {} | {comment} |", Effect::of(key).words());
    }
}

/// What the shipped file says of each key.
fn comments() -> BTreeMap<String, String> {
    let (mut comments, mut said, mut path) = (BTreeMap::new(), Vec::new(), Vec::new());
    for line in SHIPPED.lines() {
        let bare = line.trim_start();
        if let Some(comment) = bare.strip_prefix('#') {
            said.push(comment.trim());
            continue;
        }
        if let Some((name, _)) = bare.split_once(':') {
            path.truncate((line.len() - bare.len()) / 2);
            path.push(name);
            comments.insert(path.join("."), said.join(" "));
        }
        said.clear();
    }
    comments
}
