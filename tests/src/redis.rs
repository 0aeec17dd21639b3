//! A real Redis on a free port, which keeps nothing. Dropped, it is killed.

use crate::until;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// A running or killed server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    process: Option<Child>,
}

impl Redis {
    /// Starts a server.
    ///
    /// # Panics
    /// There is none to start; says what to install.
    pub fn start() -> Self {
        // Somebody else may take the port between; then it is another one.
        for _ in 0..5 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
            let port = listener.local_addr().expect("a bound socket has an address").port();
            drop(listener);
            let mut redis = Self { port, process: None };
            if redis.run() {
                return redis;
            }
        }
        panic!("redis-server ends when it is started");
    }

    /// As `store.redis.addresses` wants it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it as a power cut would.
    ///
    /// # Panics
    /// It is not ours.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it is our child");
            process.wait().expect("it is our child");
        }
    }

    /// Starts it again at the same port, with nothing of what it had.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self) {
        assert!(self.run(), "redis-server ends when it is started");
    }

    /// Whether it stays.
    fn run(&mut self) -> bool {
        let port = self.port.to_string();
        let mut process = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs redis-server: apt-get install -y redis-server");
        let stays = until("redis-server to answer", || {
            let ended = process.try_wait().expect("it is our child").is_some();
            let answers = self.ask("PING").as_deref() == Some("+PONG\r\n");
            (ended || answers).then_some(!ended)
        });
        self.process = Some(process);
        stays
    }

    /// Has it hold still, or go on.
    ///
    /// # Panics
    /// It is not running, or there is no command `kill`.
    pub fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("it is running");
        let status = Command::new("kill").args([signal, &process.id().to_string()]).status();
        assert!(status.expect("there is a command kill").success());
    }

    /// The first bytes of its answer to an inline command; none if it does not answer.
    pub fn ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))).ok()?;
        stream.set_read_timeout(Some(crate::PATIENCE)).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut answer = vec![0; 64 * 1024];
        let read = stream.read(&mut answer).ok()?;
        answer.truncate(read);
        String::from_utf8(answer).ok()
    }

    /// How often it was sent this command, by whomever.
    ///
    /// # Panics
    /// It does not answer.
    pub fn count(&self, command: &str) -> u64 {
        let stats = self.ask("INFO commandstats").expect("it answers");
        let counts = stats.split_once(&format!("cmdstat_{command}:calls="));
        counts.and_then(|(_, counts)| counts.split(',').next()?.parse().ok()).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
