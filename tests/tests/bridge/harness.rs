//! The bridge as a process, asked as a gateway asks it.

use gateway::Config;
use protocol::pb::backend_client::BackendClient;
use protocol::pb::call_event::Event;
use protocol::pb::{CallRequest, Identity};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tonic::transport::Channel;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

/// A running bridge. Dropped, it is killed.
pub(crate) struct Bridge {
    child: Child,
    address: String,
    _folder: TempDir,
}

/// A server that Node runs.
pub(crate) fn node(name: &str, arguments: &[&str]) -> bridge::Server {
    let folder = tests::installed(env!("CARGO_TARGET_TMPDIR"), "servers-node");
    let file = folder.join("node_modules/@modelcontextprotocol").join(arguments[0]).join("dist/index.js");
    let command = ["node".to_owned(), file.to_string_lossy().into_owned()];
    let command = command.into_iter().chain(arguments[1..].iter().map(|one| (*one).to_owned())).collect();
    bridge::Server { name: name.into(), command, ..Default::default() }
}

/// A server that Python runs.
pub(crate) fn python(name: &str, arguments: &[&str]) -> bridge::Server {
    let program =
        tests::installed(env!("CARGO_TARGET_TMPDIR"), "servers-venv").join("bin").join(arguments[0]);
    let command = [program.to_string_lossy().into_owned()];
    let command = command.into_iter().chain(arguments[1..].iter().map(|one| (*one).to_owned())).collect();
    bridge::Server { name: name.into(), command, ..Default::default() }
}

impl Bridge {
    /// Starts `mcpw bridge` with these settings, and waits until it serves.
    pub(crate) fn start(settings: bridge::Settings) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let mut config = serde_json::to_value(Config { bridge: settings.clone(), ..Config::default() })
            .expect("plain data");
        for (at, server) in settings.servers.iter().enumerate() {
            // A configuration never shows its secrets.
            config["bridge"]["servers"][at]["env"] = json!(server.env.0);
        }
        let file = folder.path().join("mcpw.yaml");
        std::fs::write(&file, config.to_string()).expect("the folder is ours");
        let mut child = Command::new(BINARY)
            .args(["bridge", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it is text");
        let said: Value = serde_json::from_str(&line).expect("it says where it listens");
        let address = format!("http://{}", said["listening"].as_str().expect("an address"));
        Self { child, address, _folder: folder }
    }

    /// With these servers, and the defaults for the rest.
    pub(crate) fn with(servers: impl IntoIterator<Item = bridge::Server>) -> Self {
        Self::start(bridge::Settings { servers: servers.into_iter().collect(), ..Default::default() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as the kernel does when memory is short.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    pub(crate) async fn client(&self) -> Asker {
        let client = BackendClient::connect(self.address.clone()).await.expect("it listens");
        Asker { client: client.max_decoding_message_size(64 << 20) }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who asks a bridge.
pub(crate) struct Asker {
    client: BackendClient<Channel>,
}

impl Asker {
    /// A method that has to have a result.
    async fn ask(&mut self, method: &str, tool: &str, params: &Value) -> Value {
        let identity = Identity { tenant: "acme".into(), agent: "a".into(), scopes: vec!["*".into()] };
        let request = CallRequest {
            call_id: 1,
            method: method.into(),
            tool: tool.into(),
            params: params.to_string().into(),
            identity: Some(identity),
            timeout_ms: 60_000,
            ..CallRequest::default()
        };
        let mut events = self.client.call(request).await.expect("the call is taken").into_inner();
        loop {
            let event = events.message().await.expect("the stream is whole").expect("an end comes").event;
            match event.expect("an event says something") {
                Event::Partial(_) | Event::Progress(_) => {}
                Event::Result(result) => return serde_json::from_slice(&result).expect("it is JSON"),
                Event::Error(error) => panic!("{method} {tool}: {error:?}"),
            }
        }
    }

    /// `tools/call` with these arguments.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", tool, &json!({"name": tool, "arguments": arguments})).await
    }

    /// A method of the protocol.
    pub(crate) async fn method(&mut self, method: &str, params: Value) -> Value {
        self.ask(&format!("mcp.mcp.{method}"), "", &params).await
    }
}

/// The processes below this one, all of them.
pub(crate) fn below(id: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> =
        lists.flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect();
    children.iter().flat_map(|child| [vec![*child], below(*child)].concat()).collect()
}

/// Whether a process runs, and is more than a name.
pub(crate) fn runs(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}
