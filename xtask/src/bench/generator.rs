//! The load: `mcpw bench` as a process of its own, on a CPU of its own, and the figures that it writes down.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use core_affinity::CoreId;
use serde_json::Value;

use super::subject::{self, Programs};
use crate::server::Process;

/// A server that load is put on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) urls: Vec<String>,
    /// None for a bare server, which sends every message back as it came.
    pub(crate) token: Option<String>,
    /// The certificate of a server under TLS.
    pub(crate) certificate: Option<PathBuf>,
}

impl Target {
    /// A bare WebSocket server.
    pub(crate) fn bare(url: &str) -> Self {
        Self { urls: vec![url.to_owned()], ..Self::default() }
    }

    /// A gateway, and a token for it.
    pub(crate) fn gateway(url: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::bare(url) }
    }
}

/// The option for so many connections: addresses from which each has a few thousand. Half of an address' ports the kernel
/// finds at once, the others only after it has looked at the first half, for each connection again.
///
/// `turn` is for loads side by side: each has addresses of its own.
pub(crate) fn sources(turn: u32, connections: u32) -> String {
    const EACH: u32 = 4_000;
    const A_TURN: u32 = 16;
    let first = u32::from(Ipv4Addr::new(127, 0, 1, 0)) + turn * A_TURN;
    let count = connections.div_ceil(EACH).clamp(1, A_TURN);
    let addresses: Vec<_> =
        (first..first + count).map(|address| Ipv4Addr::from(address).to_string()).collect();
    format!("--source {}", addresses.join(","))
}

/// Makes load on one CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generator<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) cpu: CoreId,
}

impl Generator<'_> {
    /// Puts load on a server to its end. `scenario` is what stands behind `mcpw bench`.
    ///
    /// # Errors
    /// If anything went wrong: an answer that is missing or wrong, a connection that was refused or lost.
    pub(crate) fn run(&self, target: &Target, scenario: &str) -> Result<Outcome> {
        self.start(target, scenario, "load")?.end()
    }

    /// Begins to. `name` is that of its files.
    pub(crate) fn start(&self, target: &Target, scenario: &str, name: &str) -> Result<Running> {
        let folder = subject::folder()?;
        let file = folder.join(format!("{name}.run.json"));
        let mut command = Command::new(self.programs.mcpw());
        command.arg("bench").args(scenario.split_ascii_whitespace()).args(["--quiet", "--json"]).arg(&file);
        command.args(["--url", &target.urls.join(",")]);
        match &target.token {
            Some(token) => command.env("MCPW_TOKEN", token),
            None => command.arg("--mirror"),
        };
        if let Some(certificate) = &target.certificate {
            command.arg("--ca-file").arg(certificate);
        }
        let log = folder.join(format!("{name}.log"));
        let process = Process::start(command, Some(self.cpu), &log)?;
        Ok(Running { process, file, log, scenario: scenario.to_owned() })
    }
}

/// Load that is being made.
#[derive(Debug)]
pub(crate) struct Running {
    process: Process,
    file: PathBuf,
    log: PathBuf,
    scenario: String,
}

impl Running {
    /// Ends it early, if it goes on.
    pub(crate) fn interrupt(&self) -> Result<()> {
        self.process.interrupt()
    }

    /// What it has said so far.
    pub(crate) fn told(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it goes on.
    pub(crate) fn goes_on(&mut self) -> Result<bool> {
        self.process.goes_on()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// If nothing was measured.
    pub(crate) fn outcome(mut self) -> Result<Outcome> {
        const INTERRUPTED: i32 = 130;
        let code = self.process.wait()?;
        ensure!(
            matches!(code, Some(0 | INTERRUPTED)),
            "`mcpw bench {}`: {}",
            self.scenario,
            self.told().trim_end()
        );
        let text = std::fs::read_to_string(&self.file).context(self.file.display().to_string())?;
        Ok(Outcome(serde_json::from_str(&text)?))
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// If anything went wrong.
    pub(crate) fn end(self) -> Result<Outcome> {
        let scenario = self.scenario.clone();
        let outcome = self.outcome()?;
        outcome.ensure_clean().with_context(|| format!("`mcpw bench {scenario}`"))?;
        Ok(outcome)
    }
}

/// What was measured: the file of `--json`.
#[derive(Clone, Debug)]
pub(crate) struct Outcome(Value);

impl Outcome {
    /// Every connection was opened and stayed open, and every message was sent and had its right answer.
    pub(crate) fn ensure_clean(&self) -> Result<()> {
        let errors = &self.0["errors"];
        ensure!(errors.as_array().is_some_and(Vec::is_empty), "{errors}");
        for pointer in ["/unsent", "/connections/refused", "/connections/lost"] {
            let count = self.number(pointer)?;
            ensure!(count == 0.0, "{pointer}: {count}");
        }
        let messages = self.0["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        for message in messages {
            ensure!(message["unanswered"] == 0 && message["failed"] == 0, "{message}");
        }
        Ok(())
    }

    /// A figure, by its JSON pointer.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn number(&self, pointer: &str) -> Result<f64> {
        self.0.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no number {pointer}"))
    }

    /// A distribution, by its JSON pointer: values in microseconds, each with how often it was.
    pub(crate) fn histogram(&self, pointer: &str) -> Value {
        self.0.pointer(pointer).map(|latency| latency["histogram"].clone()).unwrap_or_default()
    }

    /// How many messages had a right answer.
    pub(crate) fn answered(&self) -> Result<f64> {
        self.number("/messages/0/answered")
    }

    /// What of its CPU the generator used.
    pub(crate) fn busy(&self) -> Result<f64> {
        self.number("/generator/busy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_side_by_side_have_addresses_of_their_own() {
        assert_eq!(sources(0, 4_001), "--source 127.0.1.0,127.0.1.1");
        assert_eq!(sources(16, 10), "--source 127.0.2.0");
    }
}
