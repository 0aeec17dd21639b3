//! The programs of docs/clients.md, run as they stand there against `mcpw dev`: `ws` on Node, `websockets` on
//! Python, and the Rust client.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gateway::config::Demand;
use tests::{Authority, Gateway};

use crate::clean;
use crate::dev::Dev;
use crate::markdown::{Block, blocks};
use crate::process::run;
use crate::repository;

/// How fast a cancel has to be.
const CANCEL: Duration = Duration::from_millis(50);

/// The same program as docs/clients.md shows, below a header of its own.
const RUST: &str = include_str!("../../src/bin/client_of_the_docs.rs");

fn page() -> PathBuf {
    repository().join("docs/clients.md")
}

fn programs() -> impl Iterator<Item = Block> {
    blocks(&page()).into_iter().filter(|block| block.title.is_some())
}

fn program(title: &str) -> Block {
    titled(&page(), title)
}

fn titled(page: &Path, title: &str) -> Block {
    let found = blocks(page).into_iter().find(|block| block.title.as_deref() == Some(title));
    found.unwrap_or_else(|| panic!("{} has no block with title={title}", page.display()))
}

/// What `cargo xtask test` has installed for programs in other languages.
pub(crate) fn installed(part: &str) -> PathBuf {
    tests::installed(env!("CARGO_TARGET_TMPDIR"), part)
}

fn written(folder: &Path, title: &str) -> (tempfile::TempDir, PathBuf) {
    written_from(&page(), folder, title)
}

/// A program of this page as a file in a folder of its own below `folder`.
pub(crate) fn written_from(page: &Path, folder: &Path, title: &str) -> (tempfile::TempDir, PathBuf) {
    let own = tempfile::Builder::new().prefix("run").tempdir_in(folder).expect("the target folder is ours");
    let file = own.path().join(title);
    std::fs::write(&file, titled(page, title).text).expect("the folder is ours");
    (own, file)
}

/// Runs it to its end; what it has printed.
fn outcome(dev: &Dev, command: &mut Command) -> String {
    run(command.env("MCPW_URL", dev.url()).env("MCPW_TOKEN", dev.token())).success()
}

/// Node looks for packages in the folders above the program.
fn node(dev: &Dev, title: &str) -> String {
    let package = installed("node/node_modules/ws");
    let (_folder, file) = written(package.ancestors().nth(2).expect("it is two folders down"), title);
    outcome(dev, clean("node").arg(file))
}

fn python(dev: &Dev, title: &str) -> String {
    let interpreter = installed("venv/bin/python");
    let (_folder, file) = written(interpreter.ancestors().nth(2).expect("it is two folders down"), title);
    outcome(dev, clean(&interpreter).arg(file))
}

#[track_caller]
fn check_text(printed: &str) {
    for part in ["session ", " of dev dev-agent\n", "fs.search", "fn main", "10 in one frame, 100 in order\n"]
    {
        assert!(printed.contains(part), "no {part:?} in\n{printed}");
    }
}

#[track_caller]
fn check_cancel(dev: &mut Dev, printed: &str) {
    let took = printed.split_once("cancelled after ").and_then(|(_, rest)| rest.split_once(" ms"));
    let took: f64 = took.and_then(|(took, _)| took.parse().ok()).unwrap_or_else(|| panic!("{printed}"));
    assert!(took < CANCEL.as_secs_f64() * 1000.0, "{printed}");
    let line = dev.process.await_error("call cancelled");
    assert!(line.contains("sleep"), "{line}");
}

#[track_caller]
fn check_binary(printed: &str) {
    for part in ["tools ", "time.now", "time 20", "three messages in one frame\n"] {
        assert!(printed.contains(part), "no {part:?} in\n{printed}");
    }
}

#[test]
fn node_speaks_json() {
    check_text(&node(&Dev::start(), "text.mjs"));
}

#[test]
fn node_cancels_within_50_ms() {
    let mut dev = Dev::start();
    let printed = node(&dev, "cancel.mjs");
    check_cancel(&mut dev, &printed);
}

#[test]
fn node_keeps_its_session_over_a_lost_connection() {
    let printed = node(&Dev::start(), "resume.mjs");
    for part in ["demo.one\n", "demo.two\n", "the call was answered on the second connection\n"] {
        assert!(printed.contains(part), "no {part:?} in\n{printed}");
    }
}

#[test]
fn node_speaks_binary() {
    check_binary(&node(&Dev::start(), "binary.mjs"));
}

#[test]
fn node_signs_its_messages() {
    let folder = tempfile::TempDir::new().expect("the system has a folder for temporary files");
    let authority = Authority::fresh("servers");
    let (cert_file, key_file) = authority.certify(&["127.0.0.1"]).write(folder.path(), "gateway");
    let trusted = folder.path().join("authority.pem");
    std::fs::write(&trusted, &authority.pem).expect("the folder is ours");
    let gateway = Gateway::with(|config| {
        (config.tls.cert_file, config.tls.key_file) = (Some(cert_file), Some(key_file));
        config.security.hmac_signatures = Demand::Required;
    });
    let package = installed("node/node_modules/ws");
    let (_own, file) = written(package.ancestors().nth(2).expect("it is two folders down"), "signed.mjs");
    let mut command = clean("node");
    command.arg(file).env("NODE_EXTRA_CA_CERTS", trusted);
    command.env("MCPW_URL", format!("wss://{}/ws", gateway.clients));
    let printed = run(command.env("MCPW_TOKEN", gateway.keys.token())).success();
    for part in ["signed { text: 'grüezi' }\n", "refused 4001: the nonce"] {
        assert!(printed.contains(part), "no {part:?} in\n{printed}");
    }
}

#[test]
fn python_speaks_json() {
    check_text(&python(&Dev::start(), "text.py"));
}

#[test]
fn python_cancels_within_50_ms() {
    let mut dev = Dev::start();
    let printed = python(&dev, "cancel.py");
    check_cancel(&mut dev, &printed);
}

#[test]
fn python_speaks_binary() {
    check_binary(&python(&Dev::start(), "binary.py"));
}

#[test]
fn the_rust_client_does_what_the_page_says() {
    let shown = program("client.rs");
    assert!(
        RUST.ends_with(&shown.text),
        "tests/src/bin/client_of_the_docs.rs is not docs/clients.md:{}",
        shown.line
    );
    let printed = outcome(&Dev::start(), &mut clean(env!("CARGO_BIN_EXE_client_of_the_docs")));
    for part in ["time.now", "[1]\n[2]\n", "slept ", "cancelled"] {
        assert!(printed.contains(part), "no {part:?} in\n{printed}");
    }
}

#[test]
fn every_program_of_the_page_is_run_by_a_test() {
    let mut titles: Vec<_> = programs().filter_map(|block| block.title).collect();
    titles.sort_unstable();
    let tested = [
        "binary.mjs",
        "binary.py",
        "cancel.mjs",
        "cancel.py",
        "client.rs",
        "resume.mjs",
        "signed.mjs",
        "text.mjs",
        "text.py",
    ];
    assert_eq!(titles, tested);
}
