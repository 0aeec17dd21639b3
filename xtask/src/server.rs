//! A server as a child process: started on one CPU, ready when it prints its line, stopped when dropped.
//! Knows the ready line and `/proc`; refuses to know what is served.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use core_affinity::CoreId;

use crate::affinity::pin_thread;

/// How long a server may take from its start to its ready line.
const PATIENCE: Duration = Duration::from_secs(20);

/// A child process. Dropping it kills the process and waits for its end.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command`, on `cpu` alone if one is given. What it prints goes to the file `log`.
    ///
    /// # Errors
    /// If it can't be started, or the log can't be written.
    pub(crate) fn start(mut command: Command, cpu: Option<CoreId>, log: &Path) -> Result<Self> {
        let log = create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        spawn(command, cpu)
    }

    /// Asks the process to end, as ctrl-c does.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn interrupt(&self) -> Result<()> {
        let status = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status()?;
        ensure!(status.success(), "kill: {status}");
        Ok(())
    }

    /// Whether the process has not ended.
    ///
    /// # Errors
    /// If that can't be told.
    pub(crate) fn goes_on(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// Waits for the end; the exit code, unless a signal ended it.
    ///
    /// # Errors
    /// If it can't be waited for.
    pub(crate) fn wait(&mut self) -> Result<Option<i32>> {
        Ok(self.0.wait()?.code())
    }

    /// How many file descriptors the process has open.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", self.0.id()));
        Ok(folder.context("the process has ended")?.count())
    }

    /// The number that the system knows it by.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// CPU time that the process has used so far, in nanoseconds, over all its threads.
    ///
    /// # Errors
    /// If the process has ended.
    pub(crate) fn cpu_nanos(&self) -> Result<u64> {
        let mut sum = 0;
        for task in
            std::fs::read_dir(format!("/proc/{}/task", self.0.id())).context("the server has ended")?
        {
            // A thread may end between the listing and the reading.
            let Ok(schedstat) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let on_cpu = schedstat.split_ascii_whitespace().next().context("schedstat is empty")?;
            sum += on_cpu.parse::<u64>()?;
        }
        Ok(sum)
    }

    /// Resident memory of the process, in bytes.
    ///
    /// # Errors
    /// If the process has ended.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        self.memory("smaps_rollup", "Rss:")
    }

    /// The most resident memory that the process ever had, in bytes.
    ///
    /// # Errors
    /// If the process has ended.
    pub(crate) fn peak_resident_bytes(&self) -> Result<u64> {
        self.memory("status", "VmHWM:")
    }

    fn memory(&self, file: &str, field: &str) -> Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.0.id()))
            .context("could not read the server's memory: it has ended")?;
        let Some(size) = text.lines().find_map(|line| line.strip_prefix(field)) else {
            bail!("{file} has no {field}")
        };
        let kib: u64 = size.trim().trim_end_matches("kB").trim_end().parse()?;
        Ok(kib * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that is ready to serve.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    ready: serde_json::Value,
}

/// `mcpw dev` on free ports, which says in one line where it is.
pub(crate) fn dev(programs: &Path) -> Command {
    let mut command = Command::new(programs.join("mcpw"));
    command.args(["dev", "--json"]);
    for port in ["--listen", "--admin", "--grpc"] {
        command.args([port, "127.0.0.1:0"]);
    }
    command
}

impl Server {
    /// Starts `command`, on `cpu` alone if one is given, and waits for the JSON line on its standard output.
    /// Its standard error goes to the file `log`.
    ///
    /// # Errors
    /// If it can't be started, ends before it is ready, or is not ready after 20 s.
    pub(crate) fn start(mut command: Command, cpu: Option<CoreId>, log: &Path) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(create(log)?);
        let mut process = spawn(command, cpu)?;
        let stdout = process.0.stdout.take().context("the server's standard output is a pipe")?;
        let why = match first_line(stdout).recv_timeout(PATIENCE) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(ready) => return Ok(Self { process, ready }),
                Err(_) => anyhow!("the ready line is not JSON: {line:?}"),
            },
            Err(mpsc::RecvTimeoutError::Timeout) => anyhow!("the server was not ready after 20 s"),
            Err(mpsc::RecvTimeoutError::Disconnected) => anyhow!("the server ended before it was ready"),
        };
        drop(process);
        Err(why.context(format!("{}:\n{}", log.display(), tail(log))))
    }

    /// A text field of the ready line.
    pub(crate) fn ready(&self, field: &str) -> Result<&str> {
        self.ready[field].as_str().with_context(|| format!("the ready line has no {field:?}: {}", self.ready))
    }
}

/// A child inherits the affinity of the thread that starts it, so a thread of its own starts it.
fn spawn(mut command: Command, cpu: Option<CoreId>) -> Result<Process> {
    let program = command.get_program().to_string_lossy().into_owned();
    let starter = std::thread::spawn(move || {
        if let Some(cpu) = cpu {
            pin_thread(cpu)?;
        }
        command.spawn().map(Process).with_context(|| format!("could not start {program}"))
    });
    starter.join().map_err(|_| anyhow!("the starting thread panicked"))?
}

/// The first line of the output. What follows is read and dropped, so that the child never waits for a reader.
fn first_line(output: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        if output.read_line(&mut line).is_ok_and(|length| length > 0) {
            let _ = sender.send(line);
        }
        let _ = std::io::copy(&mut output, &mut std::io::sink());
    });
    receiver
}

fn create(log: &Path) -> Result<std::fs::File> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::File::create(log).with_context(|| format!("could not write {}", log.display()))
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("xtask-server-{}", std::process::id())).join(name)
    }

    #[test]
    fn a_server_is_ready_with_the_fields_of_its_first_line() {
        let server = Server::start(shell(r#"echo '{"url":"ws://x"}'; exec sleep 60"#), None, &log("ready"))
            .expect("it prints its line");
        assert_eq!(server.ready("url").expect("the line has it"), "ws://x");
        assert!(server.ready("token").is_err());
        assert!(server.process.resident_bytes().expect("it runs") > 0);
        assert!(server.process.peak_resident_bytes().expect("it runs") > 0);
    }

    #[test]
    fn a_server_that_ends_too_early_is_an_error_with_its_log() {
        let error = Server::start(shell("echo port in use >&2; exit 3"), None, &log("early"))
            .expect_err("it prints no line");
        assert!(format!("{error:#}").contains("port in use"), "{error:#}");
    }

    #[test]
    fn a_dropped_server_has_ended() {
        let server = Server::start(shell("echo {}; exec sleep 60"), None, &log("dropped"))
            .expect("it prints its line");
        let folder = format!("/proc/{}", server.process.0.id());
        assert!(Path::new(&folder).exists());
        drop(server);
        assert!(!Path::new(&folder).exists());
    }
}
