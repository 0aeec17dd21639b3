//! The platform as the suite meets it: `mcpw dev`, which asks for no token, and in front of a server of the suite's wishes
//! `mcpw bridge`.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Http, Socket};

/// How long a process may take until it says where it is, and the server's tools until they are known.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running platform. Dropped, it is gone.
#[derive(Debug)]
pub struct Platform {
    clients: SocketAddr,
    token: String,
    // The bridge is ended before the gateway that it belongs to.
    _bridge: Option<Running>,
    _gateway: Running,
    _folder: TempDir,
}

impl Platform {
    /// With its own tools alone.
    ///
    /// # Errors
    /// It does not start.
    pub fn alone(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["dev", "--json"]).env("AUTH_REQUIRED", "false").env("RUNTIME_SHARDS", "1");
        for port in ["--listen", "--admin", "--grpc"] {
            command.args([port, "127.0.0.1:0"]);
        }
        let folder = TempDir::new()?;
        command.current_dir(folder.path());
        let gateway = Running::start(command)?;
        let url = gateway.said("url")?;
        let clients = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let clients = clients.parse().with_context(|| format!("{url} names no address"))?;
        let token = gateway.said("token")?.to_owned();
        Ok(Self { clients, token, _bridge: None, _gateway: gateway, _folder: folder })
    }

    /// With the tools, prompts and resources of this server too, under its own names, once they are known. The bridge speaks
    /// with it in this `era`: `modern`, `legacy` or `auto`.
    ///
    /// # Errors
    /// It does not start, or the tool that is named is not there in time.
    pub fn with_server(program: &Path, server: &Path, era: &str, tool: &str) -> Result<Self> {
        let mut platform = Self::alone(program)?;
        let servers = json!([{"name": "fixture", "command": [server], "era": era}]);
        let registry = [platform._gateway.said("grpc")?];
        let settings = json!({"bridge": {"registry": registry, "prefix": "never", "servers": servers}});
        let file = platform._folder.path().join("bridge.yaml");
        std::fs::write(&file, settings.to_string())?;
        let mut command = Command::new(program);
        command.args(["bridge", "--config"]).arg(&file);
        platform._bridge = Some(Running::start(command)?);
        let until = Instant::now() + PATIENCE;
        while !platform.has(tool) {
            ensure!(Instant::now() < until, "the tool {tool} was not there after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(platform)
    }

    /// Where it speaks the protocol.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.clients)
    }

    fn has(&self, tool: &str) -> bool {
        let mut http = Http::over(Socket::connect(self.clients), &self.token);
        http.send("GET", &format!("/tools/{tool}"), &[], None);
        http.response().status == 200
    }
}

/// A process that says in one line where it is. Dropped, it is killed.
#[derive(Debug)]
struct Running {
    child: Child,
    said: Value,
}

impl Running {
    fn start(mut command: Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.env("LOG_LEVEL", "warn").stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().with_context(|| format!("{program} can't be started"))?;
        let mut running = Self { child, said: Value::Null };
        let output = running.child.stdout.take().context("it is piped")?;
        let line = first_line(output).recv_timeout(PATIENCE);
        let line =
            line.with_context(|| format!("{program} has ended, or was not ready after {PATIENCE:?}"))?;
        running.said = serde_json::from_str(&line).with_context(|| format!("{program} said {line:?}"))?;
        Ok(running)
    }

    fn said(&self, member: &str) -> Result<&str> {
        self.said[member].as_str().with_context(|| format!("no {member} in {}", self.said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of the output. What follows is read and dropped: a process whose output nobody takes fails.
fn first_line(output: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        if output.read_line(&mut line).is_ok_and(|length| length > 0) {
            // Whoever waited may have given up.
            let _ = sender.send(line);
        }
        let _ = io::copy(&mut output, &mut io::sink());
    });
    receiver
}
