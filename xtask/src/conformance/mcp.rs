//! Model Context Protocol as its conformance suite sees it. Knows the programs to build and what to install; how they are put
//! together is the affair of `tests/src/conformance`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::test::clients;
use crate::workspace::{build_release_programs, root, step, target};

/// Runs all of it; `programs` is a folder with `mcpw`, if it is not to be built.
pub(crate) fn run(programs: Option<&Path>) -> Result<()> {
    let installed = target()?.join("e2e");
    clients::conformance(&installed)?;
    let built = match programs {
        Some(_) => build_release_programs(&[("tests", "conformance")])?,
        None => build_release_programs(&[("gateway", "mcpw"), ("tests", "conformance")])?,
    };
    let mut command = Command::new(built.join("conformance"));
    command.arg("--gateway").arg(programs.unwrap_or(&built).join("mcpw"));
    command.arg("--server").arg(installed.join("servers-rust/conformance-server"));
    command.arg("--suite").arg(installed.join("conformance"));
    command.arg("--expected").arg(root().join("tests/conformance/platform.yaml"));
    command.arg("--folder").arg(target()?.join("conformance/mcp"));
    step(&mut command)
}
