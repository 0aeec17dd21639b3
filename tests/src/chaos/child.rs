//! A program as a child process with a log file, in the group of a guard. Dropped, it is killed.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Guard;

/// How often something outside of this process is asked.
const PAUSE: Duration = Duration::from_millis(10);

/// A running program.
#[derive(Debug)]
pub(super) struct Child {
    child: process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts it; what it prints is appended to the file `log`.
    ///
    /// # Errors
    /// It can't be started, or the log can't be written.
    pub(super) fn start(command: &mut Command, guard: &Guard, log: &Path) -> Result<Self> {
        let file = append(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = guard.take(command).spawn();
        let child = child.with_context(|| format!("could not start {:?}", command.get_program()))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Waits until it is as asked for.
    ///
    /// # Errors
    /// It is not within `limit`, or has ended; holds the last lines of its log.
    pub(super) fn until(
        &mut self,
        awaited: &str,
        limit: Duration,
        mut ask: impl FnMut() -> bool,
    ) -> Result<()> {
        let start = Instant::now();
        while !ask() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status} instead of {awaited}:\n{}", self.tail());
            }
            if start.elapsed() > limit {
                bail!("waited {limit:?} for {awaited}:\n{}", self.tail());
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// SIGKILL. It is gone on return.
    pub(super) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// It does not end within `limit`, or not well.
    pub(super) fn terminate(&mut self, limit: Duration) -> Result<()> {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        sent.context("could not start kill")?;
        let start = Instant::now();
        loop {
            match self.child.try_wait()? {
                Some(status) if ExitStatus::success(&status) => return Ok(()),
                Some(status) => bail!("it ended with {status} after SIGTERM:\n{}", self.tail()),
                None if start.elapsed() > limit => {
                    bail!("it did not end within {limit:?} after SIGTERM:\n{}", self.tail())
                }
                None => thread::sleep(PAUSE),
            }
        }
    }

    fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        format!("{}:\n{}", self.log.display(), lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

fn append(log: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.with_context(|| format!("could not write {}", log.display()))
}
