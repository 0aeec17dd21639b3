//! The suite as it is installed: a package for Node, and the Node that it needs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Report;
use crate::node_22;

/// A run takes some ten seconds.
const PATIENCE: Duration = Duration::from_secs(240);

/// An installed suite: the `node_modules` that it is in.
#[derive(Clone, Debug)]
pub struct Suite(PathBuf);

impl Suite {
    /// The one in this folder.
    ///
    /// # Errors
    /// There is none.
    pub fn at(folder: &Path) -> Result<Self> {
        let suite = Self(folder.join("node_modules"));
        let program = suite.program();
        ensure!(
            program.exists(),
            "{} is missing: `cargo xtask test --prepare` installs it",
            program.display()
        );
        Ok(suite)
    }

    fn package(&self) -> PathBuf {
        self.0.join("@modelcontextprotocol/conformance")
    }

    fn program(&self) -> PathBuf {
        self.package().join("dist/index.js")
    }

    /// The Node that came with it, or where there is none for this machine, the machine's own.
    fn node(&self) -> PathBuf {
        let own = node_22(&self.0);
        if own.exists() { own } else { "node".into() }
    }

    /// What a version requires, as the suite lists it.
    pub(super) fn requirements(&self, version: &str) -> PathBuf {
        self.package().join("requirements").join(version).with_extension("yaml")
    }

    /// Runs all that a version requires against this address. What it finds and prints is left in the folder; `expected`
    /// lists what has to fail, and then nothing else may.
    ///
    /// # Errors
    /// It can't be run, or is not through in time.
    pub fn run(&self, url: &str, version: &str, expected: Option<&Path>, folder: &Path) -> Result<Report> {
        // What an earlier run left would be read as this one's.
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let log = folder.join("suite.log");
        let output = std::fs::File::create(&log)?;
        let mut command = Command::new(self.node());
        command.arg(self.program()).args(["server", "--url", url, "--requirements", version]);
        command.arg("--output-dir").arg(folder);
        if let Some(expected) = expected {
            command.arg("--expected-failures").arg(expected);
        }
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut running = command.spawn().with_context(|| {
            format!("{} can't be started; the suite needs Node 22", command.get_program().display())
        })?;
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = running.try_wait()? {
                break status;
            }
            if Instant::now() > until {
                running.kill()?;
                running.wait()?;
                bail!("the suite was not through after {PATIENCE:?}; its log is {}", log.display());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        Report::read(self, version, folder, status.success())
    }
}
