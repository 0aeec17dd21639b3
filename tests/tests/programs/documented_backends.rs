//! The backends of examples/, which docs/backends.md shows: one with the crate, one in Python without any SDK. Each
//! registers at `mcpw dev` and is called.

use serde_json::{Value, json};

use crate::call::call;
use crate::dev::Dev;
use crate::foreign::installed;
use crate::markdown::blocks;
use crate::process::{Process, run};
use crate::{clean, repository};

/// The page shows this program, below a header of its own.
#[track_caller]
fn check_shown(title: &str, program: &str) {
    let found = blocks(&repository().join("docs/backends.md")).into_iter();
    let shown = found.filter(|block| block.title.as_deref() == Some(title)).collect::<Vec<_>>();
    let [shown] = &shown[..] else { panic!("docs/backends.md has not one block with title={title}") };
    let text = std::fs::read_to_string(repository().join(program)).expect("the example is there");
    assert!(text.ends_with(&shown.text), "{program} is not docs/backends.md:{}", shown.line);
}

/// What the tool sent once the backend was registered, its result last, and what was printed of its progress.
#[track_caller]
fn executed(dev: &Dev, tool: &str, args: Value) -> (Vec<Value>, String) {
    let params = json!({"tool": tool, "args": args}).to_string();
    tests::until("the backend's tool", || {
        let ended = run(call(dev.url(), dev.token()).args(["tool.execute", &params]));
        let unknown = ended.stderr.contains("no tool is named");
        (!unknown).then(|| {
            let progress = ended.stderr.clone();
            let sent = ended.success();
            (sent.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect(), progress)
        })
    })
}

#[test]
fn the_rust_backend_does_what_the_page_says() {
    check_shown("backend.rs", "examples/backend-rust/main.rs");
    let dev = Dev::start();
    let _backend =
        Process::start(clean(env!("CARGO_BIN_EXE_backend-rust-under-test")).env("MCPW_GRPC", dev.grpc()));
    let (result, progress) = executed(&dev, "count", json!({"to": 5}));
    assert_eq!(result, [json!(5)]);
    assert!(progress.contains("counting"), "{progress}");
}

#[test]
fn the_python_backend_does_what_the_page_says() {
    check_shown("backend.py", "examples/backend-python/backend.py");
    let interpreter = installed("venv/bin/python");
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let proto = repository().join("proto");
    let generated = run(clean(&interpreter)
        .current_dir(folder.path())
        .args(["-m", "grpc_tools.protoc", "--python_out=.", "--grpc_python_out=.", "-I"])
        .arg(&proto)
        .arg(proto.join("mcpw/v1/backend.proto")));
    generated.success();

    let dev = Dev::start();
    let program = repository().join("examples/backend-python/backend.py");
    let mut backend = Process::start(
        clean(&interpreter).env("PYTHONPATH", folder.path()).arg(program).env("MCPW_GRPC", dev.grpc()),
    );
    let (sent, progress) = executed(&dev, "words.stream", json!({"text": "one two"}));
    assert_eq!(sent, [json!({"word": "one"}), json!({"word": "two"}), json!({"words": 2})]);
    assert!(progress.contains("2/2 two"), "{progress}");

    // A call that is cancelled by Ctrl-C is cancelled at the backend too.
    let params = json!({"tool": "words.slow", "args": {"text": "a ".repeat(60)}}).to_string();
    let mut slow = Process::start(call(dev.url(), dev.token()).args(["tool.execute", &params]));
    slow.await_error("1/60");
    slow.signal("INT");
    backend.await_output("cancelled");
}

#[test]
fn the_python_backend_is_tested_with_the_versions_that_it_asks_for() {
    let read = |file: &str| std::fs::read_to_string(repository().join(file)).expect("the file is there");
    let tested = read("tests/clients/python/requirements.txt");
    let asked = read("examples/backend-python/requirements.txt");
    assert!(!asked.is_empty());
    for line in asked.lines() {
        assert!(tested.lines().any(|tested| tested == line), "the tests have no {line}");
    }
}

/// As its page promises.
#[test]
fn the_python_backend_is_short() {
    let text = std::fs::read_to_string(repository().join("examples/backend-python/backend.py"));
    let lines = text.expect("the example is there").lines().count();
    assert!(lines < 80, "{lines} lines");
}
