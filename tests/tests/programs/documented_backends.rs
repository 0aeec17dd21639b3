//! The backends of docs/backends.md, run as they stand there: one with the crate, one in Python without any
//! SDK. Each registers at `mcpw dev` and is called.

use serde_json::{Value, json};

use crate::call::call;
use crate::dev::Dev;
use crate::foreign::installed;
use crate::markdown::{Block, blocks};
use crate::process::{Process, run};
use crate::{clean, repository};

/// The same program as the page shows, below a header of its own.
const RUST: &str = include_str!("../../src/bin/backend_of_the_docs.rs");

fn program(title: &str) -> Block {
    let mut found = blocks(&repository().join("docs/backends.md")).into_iter();
    found
        .find(|block| block.title.as_deref() == Some(title))
        .unwrap_or_else(|| panic!("docs/backends.md has no block with title={title}"))
}

/// The tool's answer once the backend is registered, and what was printed of its progress.
#[track_caller]
fn executed(dev: &Dev, tool: &str, args: Value) -> (Value, String) {
    let params = json!({"tool": tool, "args": args}).to_string();
    tests::until("the backend's tool", || {
        let ended = run(call(dev.url(), dev.token()).args(["tool.execute", &params]));
        let unknown = ended.stderr.contains("no tool is named");
        (!unknown).then(|| {
            let progress = ended.stderr.clone();
            (serde_json::from_str(&ended.success()).expect("the result is JSON"), progress)
        })
    })
}

#[test]
fn the_rust_backend_does_what_the_page_says() {
    let shown = program("backend.rs");
    assert!(
        RUST.ends_with(&shown.text),
        "tests/src/bin/backend_of_the_docs.rs is not docs/backends.md:{}",
        shown.line
    );
    let dev = Dev::start();
    let _backend =
        Process::start(clean(env!("CARGO_BIN_EXE_backend_of_the_docs")).env("MCPW_GRPC", dev.grpc()));
    let (result, progress) = executed(&dev, "count", json!({"to": 5}));
    assert_eq!(result, json!(5));
    assert!(progress.contains("counting"), "{progress}");
}

#[test]
fn the_python_backend_does_what_the_page_says() {
    let interpreter = installed("venv/bin/python");
    let folder = tempfile::tempdir().expect("there is room for a folder");
    std::fs::write(folder.path().join("words.py"), program("words.py").text).expect("the folder is ours");
    let proto = repository().join("proto");
    let generated = run(clean(&interpreter)
        .current_dir(folder.path())
        .args(["-m", "grpc_tools.protoc", "--python_out=.", "--grpc_python_out=.", "-I"])
        .arg(&proto)
        .arg(proto.join("mcpw/v1/backend.proto")));
    generated.success();

    let dev = Dev::start();
    let _backend = Process::start(
        clean(&interpreter).current_dir(folder.path()).arg("words.py").env("MCPW_GRPC", dev.grpc()),
    );
    let (result, progress) = executed(&dev, "words.count", json!({"text": "one two three"}));
    assert_eq!(result, json!({"words": 3}));
    assert!(progress.contains("two"), "{progress}");
}
