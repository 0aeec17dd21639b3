//! A process group that ends with this process, however this one ends. It knows nothing of what runs in it.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// The leader of the group: a shell that waits for the end of its input, which comes when this is dropped or
/// this process is gone, even by SIGKILL. Then it kills the group, itself included.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    /// An empty group. `last` is a shell command that is run before the group is killed.
    ///
    /// # Errors
    /// There is no shell.
    pub(super) fn start(last: &str) -> Result<Self> {
        let script = format!("trap '' INT TERM HUP; cat >/dev/null; {last}\nkill -KILL 0");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(shell.spawn().context("could not start a shell")?))
    }

    /// Has a command run in the group.
    pub(super) fn take<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        // A shell's number fits into what the kernel takes.
        command.process_group(self.0.id() as i32)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_runs_in_the_group_ends_with_its_guard() {
        let folder = tempfile::TempDir::new().expect("the system has a folder for temporary files");
        let said = folder.path().join("said");
        let guard = Guard::start(&format!("echo last > {}", said.display())).expect("there is a shell");
        let mut sleeping = guard.take(Command::new("sleep").arg("60")).spawn().expect("there is sleep");
        assert!(Path::new(&format!("/proc/{}", sleeping.id())).exists());
        drop(guard);
        let status = sleeping.wait().expect("it is our child");
        assert!(!status.success(), "{status}");
        assert_eq!(std::fs::read_to_string(said).expect("the last command ran"), "last\n");
    }
}
