//! `mcpw-tools` as a process that registers at a gateway.

use std::path::Path;

use serde_json::Value;
use tests::Endpoints;

use crate::clean;
use crate::process::Process;

/// A running `mcpw-tools`.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) process: Process,
    /// Where it listens, as `host:port`.
    pub(crate) address: String,
}

impl Tools {
    /// Starts one over this folder, on this address (port 0 for a free one), which registers at the gateway.
    #[track_caller]
    pub(crate) fn start(gateway: &Endpoints, root: &Path, listen: &str) -> Self {
        let mut command = clean(env!("CARGO_BIN_EXE_mcpw-tools-under-test"));
        command.arg("--root").arg(root).args(["--listen", listen, "--register"]);
        command.arg(format!("http://{}", gateway.grpc));
        let mut process = Process::start(&mut command);
        let line: Value = serde_json::from_str(&process.await_output("")).expect("the ready line is JSON");
        let address = line["listening"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, address }
    }
}
