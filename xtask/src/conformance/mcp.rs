//! Model Context Protocol as its conformance suite sees it. Knows the programs to build and what to install; how they are put
//! together is the affair of `tests/src/conformance`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::test::clients;
use crate::workspace::{cargo, root, step, target};

/// The program mcpw by the name that the tests know it by.
const GATEWAY: &str = "mcpw-under-test";

/// Runs all of it; `programs` is a folder with `mcpw`, if it is not to be built.
pub(crate) fn run(programs: Option<&Path>) -> Result<()> {
    let installed = target()?.join("e2e");
    clients::conformance(&installed)?;
    // As the tests build them, so that what they have built is used.
    let mut build = cargo();
    build.args(["build", "--locked", "--workspace", "--exclude", "session-store"]);
    build.args(["--bin", "conformance"]);
    if programs.is_none() {
        build.args(["--bin", GATEWAY]);
    }
    step(&mut build)?;
    let built = target()?.join("debug");
    let gateway = programs.map_or_else(|| built.join(GATEWAY), |programs| programs.join("mcpw"));
    let mut command = Command::new(built.join("conformance"));
    command.arg("--gateway").arg(gateway);
    command.arg("--server").arg(installed.join("servers-rust/conformance-server"));
    command.arg("--suite").arg(installed.join("conformance"));
    command.arg("--expected").arg(root().join("tests/conformance/platform.yaml"));
    command.arg("--folder").arg(target()?.join("conformance/mcp"));
    step(&mut command)
}
