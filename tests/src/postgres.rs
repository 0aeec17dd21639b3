//! A real PostgreSQL on a free port, whose files go with it. Dropped, it is killed.

use crate::until;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const INSTALL: &str = "this test needs PostgreSQL: apt-get install -y postgresql";

/// A running or killed server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// A shell that kills the server once its input ends, however that comes about.
    guard: Option<Child>,
}

impl Postgres {
    /// Starts a server with one empty database.
    ///
    /// # Panics
    /// There is none to start; says what to install.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        drop(listener);
        let mut server = Self { programs: programs(), folder, port, guard: None };
        // It refuses to run as root, and whoever it runs as needs the folder.
        std::fs::set_permissions(server.folder.path(), std::fs::Permissions::from_mode(0o755))
            .expect("the folder is ours");
        if is_root() {
            success(Command::new("chown").arg("postgres").arg(server.folder.path()));
        }
        let mut initdb = server.command("initdb");
        initdb.args(["--auth=trust", "--username=mcpw", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
        success(initdb.arg(server.files()));
        server.restart();
        server
    }

    /// As `--database` wants it.
    pub fn url(&self) -> String {
        format!("postgres://mcpw@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills it as a power cut would.
    ///
    /// # Panics
    /// It is not running.
    pub fn kill(&mut self) {
        let mut guard = self.guard.take().expect("it is running");
        drop(guard.stdin.take());
        guard.wait().expect("it is our child");
    }

    /// Starts it at the same port, with what it had.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self) {
        let server = self.command("postgres");
        let words = std::iter::once(server.get_program()).chain(server.get_args());
        let line: Vec<_> = words.map(|word| word.to_str().expect("our own words are UTF-8")).collect();
        let script = format!(
            "{} -D {} -h 127.0.0.1 -p {} -k '' -F >/dev/null 2>&1 & (cat; kill -QUIT $!) >/dev/null 2>&1; wait",
            line.join(" "),
            self.files().display(),
            self.port
        );
        let guard = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn();
        self.guard = Some(guard.expect("there is a shell"));
        until("PostgreSQL to answer", || self.asked("SELECT 1").then_some(()));
    }

    /// Has it execute a statement.
    ///
    /// # Panics
    /// It does not.
    pub fn execute(&self, sql: &str) {
        assert!(self.asked(sql), "{sql}");
    }

    fn asked(&self, sql: &str) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let (host, port) = (address.ip().to_string(), self.port.to_string());
        Command::new(self.programs.join("psql"))
            .args(["-h", &host, "-p", &port, "-U", "mcpw", "-d", "postgres", "-q", "-c", sql])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect(INSTALL)
            .success()
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of its programs, as a user that it runs as.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.guard.is_some() {
            self.kill();
        }
    }
}

/// Where the newest of the installed versions has its programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect(INSTALL);
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max().expect(INSTALL)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}

#[track_caller]
fn success(command: &mut Command) {
    let output = command.current_dir(Path::new("/")).output().expect(INSTALL);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
