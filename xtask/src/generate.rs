//! Files that programs of the workspace write, so that they can't say anything else than the code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{cargo, root, step, target};

/// A file, and the program that prints it: an example of the workspace, which is told the file.
struct Generator {
    file: &'static str,
    example: &'static str,
}

const GENERATORS: [Generator; 14] = [
    Generator { file: "docs/metrics.md", example: "page" },
    Generator { file: "docs/configuration.md", example: "settings" },
    Generator::rules("deploy/prometheus/rules.yaml"),
    Generator::rules("deploy/prometheus/alerts.yaml"),
    Generator::rules("deploy/kubernetes/components/monitoring/rules.yaml"),
    Generator::rules("deploy/helm/mcpw/files/rules.yaml"),
    Generator::rules("deploy/grafana/fleet.json"),
    Generator::rules("deploy/grafana/pod.json"),
    Generator::rules("deploy/grafana/backends.json"),
    Generator::rules("deploy/grafana/sessions.json"),
    Generator::rules("deploy/helm/mcpw/files/dashboards/fleet.json"),
    Generator::rules("deploy/helm/mcpw/files/dashboards/pod.json"),
    Generator::rules("deploy/helm/mcpw/files/dashboards/backends.json"),
    Generator::rules("deploy/helm/mcpw/files/dashboards/sessions.json"),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only say which files are not as they would be written.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check { check() } else { write() }
}

fn write() -> Result<()> {
    let programs = built()?;
    for generator in &GENERATORS {
        let path = root().join(generator.file);
        let text = generator.text(&programs)?;
        if fs::read(&path).ok().as_ref() != Some(&text) {
            fs::write(&path, text).with_context(|| generator.file)?;
            println!("wrote {}", generator.file);
        }
    }
    Ok(())
}

/// Whether every file is as it would be written.
pub(crate) fn check() -> Result<()> {
    let programs = built()?;
    let mut stale = Vec::new();
    for generator in &GENERATORS {
        if fs::read(root().join(generator.file)).ok() != Some(generator.text(&programs)?) {
            stale.push(generator.file);
        }
    }
    if !stale.is_empty() {
        bail!("not as generated: {}; run `cargo xtask generate`", stale.join(", "));
    }
    Ok(())
}

impl Generator {
    /// A dashboard, or rules for Prometheus.
    const fn rules(file: &'static str) -> Self {
        Self { file, example: "file" }
    }

    fn text(&self, programs: &Path) -> Result<Vec<u8>> {
        let output = Command::new(programs.join(self.example)).arg(self.file).output();
        let output = output.with_context(|| format!("could not start the example {}", self.example))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} could not be generated: {said}", self.file);
        Ok(output.stdout)
    }
}

/// Builds the examples as all else of the workspace is built, so that no package is compiled twice, and returns their folder.
fn built() -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--locked", "--workspace"]);
    for example in ["file", "page", "settings"] {
        command.args(["--example", example]);
    }
    step(&mut command)?;
    Ok(target()?.join("debug/examples"))
}
