//! Files that programs of the workspace write, so that they can't say anything else than the code.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{cargo, root};

/// A file, and the program that prints it: an example of a package, which is told the file.
struct Generator {
    file: &'static str,
    package: &'static str,
    example: &'static str,
}

const GENERATORS: [Generator; 14] = [
    Generator { file: "docs/metrics.md", package: "metrics", example: "page" },
    Generator { file: "docs/configuration.md", package: "gateway", example: "settings" },
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
    for generator in &GENERATORS {
        let path = root().join(generator.file);
        let text = generator.text()?;
        if fs::read(&path).ok().as_ref() != Some(&text) {
            fs::write(&path, text).with_context(|| generator.file)?;
            println!("wrote {}", generator.file);
        }
    }
    Ok(())
}

/// Whether every file is as it would be written.
pub(crate) fn check() -> Result<()> {
    let mut stale = Vec::new();
    for generator in &GENERATORS {
        if fs::read(root().join(generator.file)).ok() != Some(generator.text()?) {
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
        Self { file, package: "dashboards", example: "file" }
    }

    fn text(&self) -> Result<Vec<u8>> {
        let mut command = cargo();
        command.args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            self.package,
            "--example",
            self.example,
            "--",
        ]);
        let output = command.arg(self.file).output().context("could not start cargo")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} could not be generated: {said}", self.file);
        Ok(output.stdout)
    }
}
