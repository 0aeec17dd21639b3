//! The programs that use an SDK, and what runs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// An SDK of one generation and what runs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Program {
    /// `mcp` 1.
    Python1,
    /// `mcp` 2.
    Python2,
    /// `@modelcontextprotocol/sdk` with the WebSocket of the package `ws`, on the system's Node.
    TypeScript1,
    /// The same with the WebSocket of Node 22.
    TypeScript1OnNode22,
    /// `@modelcontextprotocol/client`, on Node 22.
    TypeScript2,
}

pub(crate) fn installed(part: &str) -> PathBuf {
    tests::installed(env!("CARGO_TARGET_TMPDIR"), part)
}

fn node_22() -> PathBuf {
    tests::node_22(&installed("node/node_modules"))
}

/// A file of the repository.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

impl Program {
    /// Whether it knows the era without sessions.
    pub(crate) fn is_modern(self) -> bool {
        matches!(self, Self::Python2 | Self::TypeScript2)
    }

    /// Runs the program of the tests; it takes its arguments yet. The folder that it stands in meanwhile.
    pub(crate) fn command(self) -> (Command, TempDir) {
        let programs = source("tests/tests/sdks/programs");
        let examples = source("examples");
        let files: &[PathBuf] = match self {
            Self::Python1 => &[programs.join("steps.py"), programs.join("python1.py")],
            Self::Python2 => &[
                programs.join("steps.py"),
                examples.join("mcp-websocket-python/transport.py"),
                programs.join("python2.py"),
            ],
            Self::TypeScript1 | Self::TypeScript1OnNode22 => {
                &[programs.join("steps.mjs"), programs.join("typescript1.mjs")]
            }
            Self::TypeScript2 => &[
                programs.join("steps.mjs"),
                examples.join("mcp-websocket-typescript/transport.ts"),
                programs.join("typescript2.mjs"),
            ],
        };
        self.run(files)
    }

    /// Runs the last of these files, with the others beside it.
    pub(crate) fn run(self, files: &[PathBuf]) -> (Command, TempDir) {
        let (interpreter, packages) = match self {
            Self::Python1 => (installed("venv/bin/python"), "venv"),
            Self::Python2 => (installed("example-venv/bin/python"), "example-venv"),
            Self::TypeScript1 => (PathBuf::from("node"), "node"),
            Self::TypeScript1OnNode22 => (node_22(), "node"),
            Self::TypeScript2 => (node_22(), "example-node"),
        };
        // Node looks for packages in the folders above the program.
        let folder = tempfile::Builder::new().prefix("run").tempdir_in(installed(packages));
        let folder = folder.expect("the target folder is ours");
        let mut command = Command::new(interpreter);
        for file in files {
            let copy = folder.path().join(file.file_name().expect("it is a file"));
            std::fs::copy(file, copy).expect("the file is there, and the folder ours");
        }
        let last = files.last().and_then(|file| file.file_name()).expect("there is one");
        command.arg(folder.path().join(last));
        (command, folder)
    }
}
