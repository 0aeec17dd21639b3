//! Real Redis servers for one test or one binary of tests, on free ports, with directories that go with them.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) mod cluster;
pub(crate) mod mount;
pub(crate) mod sentinel;

/// A process of Redis. It is killed when this is dropped, and also when the tests end in any other way.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    process: String,
    directory: TempDir,
    config: String,
    sentinel: bool,
    /// A shell that kills the server once its input ends.
    guard: Child,
}

impl Server {
    /// A server with these further lines of configuration, once it answers.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_at(free_port(), config, false)
    }

    pub(crate) fn sentinel(config: &str) -> Self {
        Self::start_at(free_port(), config, true)
    }

    fn start_at(port: u16, config: &str, sentinel: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let (guard, process) = spawn(port, config, &directory, sentinel);
        let server = Self { port, process, directory, config: config.to_owned(), sentinel, guard };
        server.answers();
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.signal("-KILL");
        let _ = self.guard.wait();
    }

    /// Starts it again at the same port, with nothing of what it had.
    pub(crate) fn restart(&mut self) {
        self.directory = tempfile::tempdir().expect("a temporary directory can be made");
        (self.guard, self.process) = spawn(self.port, &self.config, &self.directory, self.sentinel);
        self.answers();
    }

    /// Starts it again at the same port, with what it had written to disk.
    pub(crate) fn restart_from_disk(&mut self) {
        (self.guard, self.process) = spawn(self.port, &self.config, &self.directory, self.sentinel);
        self.answers();
    }

    /// Stops it in its tracks: connections stay, and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.process]).status().expect("kill runs");
        assert!(status.success(), "the server is there");
    }

    fn answers(&self) {
        wait("the server answers", || self.cli("PING").trim() == "PONG");
    }

    /// What redis-cli prints for a command line.
    pub(crate) fn cli(&self, line: &str) -> String {
        self.cli_args(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn cli_args(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", &port])
            .args(arguments)
            .output()
            .unwrap_or_else(|error| missing("redis-cli", &error));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.process]).stderr(Stdio::null()).status();
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn spawn(port: u16, config: &str, directory: &TempDir, sentinel: bool) -> (Child, String) {
    let path = directory.path().join("redis.conf");
    let mut text = format!("port {port}\nbind 127.0.0.1\ndir {}\nsave \"\"\n", directory.path().display());
    if sentinel {
        text = text.replace("save \"\"\n", "");
    }
    writeln!(text, "logfile {}/log", directory.path().display()).expect("a string takes it");
    text.push_str(config);
    std::fs::File::create(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("the directory can be written to");
    let known = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    if let Err(error) = known {
        missing("redis-server", &error);
    }
    let flag = if sentinel { "--sentinel" } else { "" };
    let script = format!(
        "redis-server {} {flag} >/dev/null 2>&1 & echo $!; (cat; kill -KILL $!) >/dev/null 2>&1; wait",
        path.display()
    );
    let mut guard = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell runs");
    let mut process = String::new();
    let output = guard.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut process).expect("the shell says which process it is");
    (guard, process.trim().to_owned())
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    panic!("these tests need {program} ({error}); install it with: apt-get install -y redis-server")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Waits until something outside of this process has happened.
pub(crate) fn wait(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < Duration::from_secs(30), "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
