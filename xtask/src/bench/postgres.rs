//! A PostgreSQL server of Debian's package with its shipped settings, in a folder of its own. Dropped, it is stopped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

const INSTALL: &str = "there is no PostgreSQL: apt-get install -y postgresql";
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes the server's files in `folder`, which is emptied, and starts it.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not start.
    pub(crate) fn start(folder: &Path, port: u16) -> Result<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").context(INSTALL)?;
        let programs = versions
            .filter_map(|version| Some(version.ok()?.path().join("bin")))
            .filter(|folder| folder.join("initdb").exists())
            .max()
            .context(INSTALL)?;
        let server = Self { programs, folder: folder.to_owned(), port };
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        if is_root()? {
            run(Command::new("chown").arg("postgres").arg(folder))?;
        }
        let files = server.files();
        run(server
            .command("initdb")?
            .args(["--auth=trust", "--username=mcpw", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&files))?;
        let options = format!("-h 127.0.0.1 -p {port} -k ''");
        run(server
            .command("pg_ctl")?
            .args(["start", "--wait", "-o", &options, "-l"])
            .arg(folder.join("log"))
            .arg("-D")
            .arg(&files))?;
        Ok(server)
    }

    /// As `--database` wants it.
    pub(crate) fn url(&self) -> String {
        format!("postgres://mcpw@127.0.0.1:{}/postgres", self.port)
    }

    /// Brings the statistics up to date, as the server does by itself after a while.
    pub(crate) fn analyze(&self) -> Result<()> {
        let port = self.port.to_string();
        let mut psql = Command::new(self.programs.join("psql"));
        run(psql.args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "mcpw",
            "-d",
            "postgres",
            "-c",
            "VACUUM ANALYZE",
        ]))
    }

    fn files(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// One of its programs, as a user that it runs as: it refuses to run as root.
    fn command(&self, program: &str) -> Result<Command> {
        let program = self.programs.join(program);
        if !is_root()? {
            return Ok(Command::new(program));
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
        Ok(command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let files = self.files();
        let stopped = self
            .command("pg_ctl")
            .and_then(|mut stop| run(stop.args(["stop", "--mode=immediate", "-D"]).arg(&files)));
        if let Err(error) = stopped {
            eprintln!("PostgreSQL could not be stopped: {error:#}");
        }
    }
}

fn is_root() -> Result<bool> {
    let process = std::fs::metadata("/proc/self").context("no /proc")?;
    Ok(std::os::unix::fs::MetadataExt::uid(&process) == 0)
}

/// Runs a command to its end. What a server that it starts holds open is nothing of ours.
fn run(command: &mut Command) -> Result<()> {
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("could not start {command:?}"))?;
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "{command:?}: {status}");
            return Ok(());
        }
        ensure!(Instant::now() < until, "{command:?} has not ended after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
