//! A shell that lines are pasted into. Refuses to know what they do. Dropped, it ends with all that it has started.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long what was pasted may take.
const LIMIT: Duration = Duration::from_secs(120);
/// How long to wait for a line before it is asked whether the shell has ended.
const GLANCE: Duration = Duration::from_millis(100);
/// Stands alone on a line when all that was pasted has ended.
const MARK: &str = "-- the shell has come to the end of the block --";

/// A running shell.
#[derive(Debug)]
pub(crate) struct Shell {
    child: Child,
    lines: Receiver<String>,
}

impl Shell {
    /// Starts this one, which ends at the first line that fails.
    pub(crate) fn start(mut command: Command) -> Self {
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut shell = Self { child, lines };
        shell.write("set -euo pipefail; exec 2>&1\n");
        shell
    }

    /// Pastes these lines and waits until they have ended; what was printed.
    ///
    /// # Errors
    /// A line failed, or it takes too long; with what was printed.
    pub(crate) fn paste(&mut self, text: &str) -> Result<String, String> {
        // What was printed last may have no line break.
        self.write(&format!("{text}\nprintf '\\n%s\\n' '{MARK}'\n"));
        let mut printed = String::new();
        let start = Instant::now();
        loop {
            // What it has started may hold its output open behind its end.
            let ended = self.child.try_wait().expect("it is our child");
            match (self.lines.recv_timeout(GLANCE), ended) {
                (Ok(line), _) if line == MARK => {
                    printed.pop();
                    return Ok(printed);
                }
                (Ok(line), _) => printed = printed + &line + "\n",
                (Err(_), Some(status)) => return Err(format!("ended with {status}, after\n{printed}")),
                (Err(_), None) if start.elapsed() > LIMIT => {
                    return Err(format!("takes too long, after\n{printed}"));
                }
                (Err(_), None) => {}
            }
        }
    }

    fn write(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        // A shell that has ended is told of when its output is read.
        let _ = stdin.write_all(text.as_bytes());
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It leads a group of its own, in which all that it has started is.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}
