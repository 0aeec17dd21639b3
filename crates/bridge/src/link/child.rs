//! A child and its end. It runs below `mcpw supervise`, so that nothing of it stays, whatever becomes of the bridge.
use crate::settings::Server;
use crate::tasks;
use rustix::process::{Pid, Signal};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// What every child has of the bridge's environment: what programs are found by, and where they put their own.
const PASSED: [&str; 10] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LC_ALL", "TMPDIR", "SystemRoot"];
/// How long a child has to end once its input has.
const INPUT_GRACE: Duration = Duration::from_millis(200);
/// How long its supervisor has to end what is left.
const SUPERVISOR_GRACE: Duration = Duration::from_millis(600);

/// A child that runs. Dropped, it is ended.
#[derive(Debug)]
pub(crate) struct Running {
    /// None once it is being ended.
    child: Option<Child>,
}

/// The ends of its pipes.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) input: ChildStdin,
    pub(crate) output: ChildStdout,
    pub(crate) errors: ChildStderr,
}

/// Starts the program of a server. `supervisor` is the program that knows `supervise`.
///
/// # Errors
/// What the system says.
pub(crate) fn start(server: &Server, supervisor: &Path) -> Result<(Running, Pipes), String> {
    let mut command = Command::new(supervisor);
    command.arg("supervise").arg("--").args(&server.command);
    command.env_clear();
    for name in PASSED.into_iter().chain(server.pass_env.iter().map(String::as_str)) {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(&server.env.0);
    if let Some(folder) = &server.folder {
        command.current_dir(folder);
    }
    // A group of its own: Ctrl-C at the bridge's terminal is for the bridge, which ends its children itself.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("it can't be started: {error}"))?;
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(input), Some(output), Some(errors)) => {
            Ok((Running { child: Some(child) }, Pipes { input, output, errors }))
        }
        _ => Err("it has no pipes".to_owned()),
    }
}

impl Running {
    /// How it ended, once it has.
    pub(crate) async fn ended(&mut self) -> String {
        let Some(child) = &mut self.child else { return "it was ended".to_owned() };
        let group = child.id();
        let ended = child.wait().await;
        self.child = None;
        match ended {
            Ok(status) => {
                if status.code().is_none() {
                    // Somebody has killed the supervisor, and what it watched is left in its group.
                    kill(group);
                }
                format!("it ended with {status}")
            }
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            tasks::spawn(end(child));
        }
    }
}

/// Its input has ended already, or does now; then it is asked to end, then it has to.
async fn end(mut child: Child) {
    let group = child.id();
    if tokio::time::timeout(INPUT_GRACE, child.wait()).await.is_ok() {
        return;
    }
    if let Some(pid) = pid(group) {
        // It may have ended just now.
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(SUPERVISOR_GRACE, child.wait()).await.is_err() {
        kill(group);
        let _ = child.wait().await;
    }
}

fn kill(group: Option<u32>) {
    if let Some(group) = pid(group) {
        // Nobody may be left in it.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

fn pid(id: Option<u32>) -> Option<Pid> {
    id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
}
