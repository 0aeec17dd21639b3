//! The clients of examples/, as their pages say how they are run.

use crate::program::{Program, installed, source};
use std::process::Command;
use tests::{Gateway, Tools};

/// Runs it to its end; what it has printed.
fn printed(command: &mut Command) -> String {
    let output = command.output().expect("the program can be run");
    let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {text}{said}", output.status);
    text.into_owned()
}

fn check(program: Program, example: &str, files: [&str; 2]) {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    crate::await_everywhere(&gateway, &["sleep"]);
    let (mut command, _folder) = program.run(&files.map(|name| source(example).join(name)));
    command.env("MCPW_URL", format!("ws://{}/mcp", gateway.clients));
    let text = printed(command.env("MCPW_TOKEN", gateway.keys.token()));
    for part in ["version 2026-07-28\n", "sleep", "progress ", "result {"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn the_example_in_python_does_what_its_page_says() {
    check(Program::Python2, "examples/mcp-websocket-python", ["transport.py", "client.py"]);
}

#[test]
fn the_example_in_typescript_does_what_its_page_says() {
    check(Program::TypeScript2, "examples/mcp-websocket-typescript", ["transport.ts", "client.ts"]);
}

#[test]
fn the_page_shows_both() {
    let page = std::fs::read_to_string(source("docs/mcp-over-websocket.md")).expect("the page is there");
    for (fence, program) in [
        ("```ts title=client.ts", "examples/mcp-websocket-typescript/client.ts"),
        ("```python title=client.py", "examples/mcp-websocket-python/client.py"),
    ] {
        let text = std::fs::read_to_string(source(program)).expect("the example is there");
        assert!(page.contains(&format!("{fence}\n{text}```\n")), "the page does not show {program}");
    }
}

#[test]
fn the_example_in_typescript_has_the_types_that_it_says() {
    let folder = tempfile::tempdir_in(installed("example-node")).expect("the target folder is ours");
    for name in ["client.ts", "transport.ts", "tsconfig.json"] {
        let file = source("examples/mcp-websocket-typescript").join(name);
        std::fs::copy(file, folder.path().join(name)).expect("the file is there, and the folder ours");
    }
    printed(Command::new(installed("example-node/node_modules/.bin/tsc")).current_dir(folder.path()));
}
