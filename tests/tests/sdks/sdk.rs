//! A client made with an SDK, which does what a test says, step by step.

use crate::Program;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use tempfile::TempDir;
use tests::{Endpoints, Gateway, Http};

/// Whether a client opens a session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

/// One way of an SDK to the platform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    program: Program,
    pub(crate) era: Era,
    /// `ws` or `http`.
    scheme: &'static str,
}

impl Way {
    /// All ways that the program has.
    pub(crate) fn all(program: Program) -> Vec<Self> {
        let eras: &[Era] = if program.is_modern() { &[Era::Legacy, Era::Modern] } else { &[Era::Legacy] };
        // HTTP has nothing to do with whose WebSocket it is.
        let schemes: &[&str] =
            if program == Program::TypeScript1OnNode22 { &["ws"] } else { &["ws", "http"] };
        let ways = eras.iter().flat_map(|era| schemes.iter().map(|scheme| (*era, *scheme)));
        ways.map(|(era, scheme)| Self { program, era, scheme }).collect()
    }

    fn arguments(self, gateway: &Endpoints) -> [String; 2] {
        let detail = match (self.program, self.era) {
            (Program::TypeScript1, _) => "package",
            (Program::TypeScript1OnNode22, _) => "own",
            (_, Era::Legacy) => "legacy",
            (_, Era::Modern) => "modern",
        };
        let (scheme, clients) = (self.scheme, gateway.clients);
        let url = if scheme == "ws" && !self.program.is_modern() {
            // Its transport has no place for a token.
            let answer = Http::open(gateway).ask("POST", "/tickets", &[], None);
            format!("ws://{clients}/ws?ticket={}", answer.json()["ticket"].as_str().expect("a ticket"))
        } else {
            format!("{scheme}://{clients}/mcp")
        };
        [url, detail.to_owned()]
    }
}

/// A gateway that all ways lead to.
pub(crate) fn gateway() -> Gateway {
    Gateway::with(|config| {
        config.auth.tickets.enabled = true;
        // While interpreters start, a machine with few cores has little time for heartbeats.
        config.registry.lease_ms = 60_000;
    })
}

/// A client that runs.
pub(crate) struct Sdk {
    way: Way,
    child: Child,
    steps: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Sdk {
    /// Connects and looks at what was agreed on.
    pub(crate) fn connect(way: Way, gateway: &Endpoints) -> Self {
        let (mut command, folder) = way.program.command();
        let command = command.args(way.arguments(gateway)).env("MCPW_TOKEN", gateway.keys.token());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program can be run");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let steps = child.stdin.take();
        let mut sdk = Self { way, child, steps, answers, _folder: folder };
        let version = match way.era {
            Era::Legacy => "2025-11-25",
            Era::Modern => "2026-07-28",
        };
        assert_eq!(sdk.line(), json!({"version": version, "server": "mcpw"}), "{way:?}");
        sdk
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it is text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{:?}: {line:?}: {error}", self.way))
    }

    /// Has it do a step with these details; what came of it.
    pub(crate) fn step(&mut self, step: &str, details: &Value) -> Value {
        let mut line = details.clone();
        line["do"] = json!(step);
        let steps = self.steps.as_mut().expect("it was not ended");
        writeln!(steps, "{line}").expect("it reads its steps");
        let mut answer = self.line();
        assert!(answer["error"].is_null(), "{:?}: {step} {details}: {answer}", self.way);
        answer["result"].take()
    }

    /// A step without details.
    pub(crate) fn ask(&mut self, step: &str) -> Value {
        self.step(step, &json!({}))
    }

    /// Calls a tool to its end.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.step("call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Has it disconnect and end by itself.
    pub(crate) fn end(mut self) {
        drop(self.steps.take());
        let status = self.child.wait().expect("it is our child");
        assert!(status.success(), "{:?}: {status}", self.way);
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
