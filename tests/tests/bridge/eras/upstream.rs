//! Servers by HTTPS, and children that nobody calls.

use super::{FIXTURE, Scene, played};
use crate::harness::below;
use crate::peer::Peer;
use bridge::{Per, Prefix, Secrets, Server};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use tests::{Authority, Request, until};

/// A server by HTTPS that keeps what it is sent. It ends with the test's process.
struct Https {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Https {
    fn start(config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (kept, config) = (Arc::clone(&kept), Arc::clone(&config));
                // A connection that breaks off is the bridge's to notice.
                std::thread::spawn(move || drop(serve(socket, config, &kept)));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(socket: TcpStream, config: Arc<ServerConfig>, kept: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            }
            if line.trim_end().is_empty() {
                break;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        head += &String::from_utf8_lossy(&body);
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(head);
        let result = match message["method"].as_str().unwrap_or_default() {
            "server/discover" => r#""supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}"#,
            "tools/list" => r#""tools":[{"name":"far","inputSchema":{"type":"object"}}]"#,
            _ => r#""content":[ ]"#,
        };
        let id = &message["id"];
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{{result},"resultType":"complete"}}}}"#);
        let size = text.len();
        let out = stream.get_mut();
        write!(
            out,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n{text}"
        )?;
        out.flush()?;
    }
}

#[test]
fn a_server_by_https_is_shown_the_bridges_own_token_and_never_the_callers() {
    let authority = Authority::fresh("servers");
    let https = Https::start(authority.server("127.0.0.1"));
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let (ca, token) = (folder.path().join("ca.pem"), folder.path().join("token"));
    std::fs::write(&ca, &authority.pem).expect("the folder is ours");
    std::fs::write(&token, "bridges-own\n").expect("the folder is ours");
    let url = format!("https://{}/mcp", https.address);
    let scene = Scene::with("modern", |settings| {
        settings.servers.push(Server {
            name: "web".into(),
            url: Some(url.clone()),
            bearer_token_file: Some(token),
            server_ca_file: Some(ca),
            ..Server::default()
        });
        // Who signs for it is not known.
        settings.servers.push(Server { name: "strange".into(), url: Some(url), ..Server::default() });
    });
    Peer::modern(&scene.gateway).await_tool("far");
    let callers = scene.gateway.keys.token();
    let request = Request::upgrade(scene.gateway.clients)
        .with("Authorization", &format!("Bearer {callers}"))
        .with("Sec-WebSocket-Protocol", "mcp");
    let mut client = scene.gateway.accepted(&request);
    let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    client.text(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"far","arguments":{{}},"_meta":{meta}}}}}"#
    ));
    assert_eq!(client.message()["result"]["content"], json!([]));
    let heads = https.heads();
    assert!(heads.iter().any(|head| head.contains("tools/call")), "{heads:?}");
    for head in heads {
        let lower = head.to_ascii_lowercase();
        assert_eq!(lower.matches("authorization:").count(), 1, "{head}");
        assert!(lower.contains("authorization: bearer bridges-own"), "{head}");
        assert!(!head.contains(&callers), "{head}");
    }
}

#[test]
fn a_child_of_a_session_that_nobody_calls_is_ended_and_comes_back() {
    let scene = Scene::with("legacy", |settings| {
        settings.servers[0].per = Per::Session;
        settings.servers[0].idle_timeout_ms = 300;
    });
    let mut peer = scene.client("legacy");
    let common = below(scene.bridge.id()).len();
    for _ in 0..2 {
        peer.call("echo", &json!({}));
        until("the child of the session to be ended", || {
            (below(scene.bridge.id()).len() == common).then_some(())
        });
    }
    // One with a call that runs is not idle.
    let asks = r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#;
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"answer":$ANSWER}}}"#;
    peer.send(&json!(1), "tools/call", &played(&[asks, "?", end], &[]));
    let asked = peer.message();
    let own = below(scene.bridge.id()).len();
    let mut other = scene.client("legacy");
    other.call("echo", &json!({}));
    // It was called later, and is ended alone.
    until("the other child to be ended", || (below(scene.bridge.id()).len() == own).then_some(()));
    peer.json(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": []}}));
    assert!(peer.result(&json!(1))["structuredContent"].to_string().contains("roots"));
}

#[test]
fn a_child_has_its_environment_and_folder_and_nothing_of_the_bridges() {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let script = format!("pwd > pwd; env > env; echo for people >&2; exec {FIXTURE} legacy");
    let _scene = Scene::with("legacy", |settings| {
        settings.prefix = Prefix::Never;
        settings.servers.push(Server {
            name: "two".into(),
            command: ["sh", "-c", &script].map(str::to_owned).to_vec(),
            folder: Some(folder.path().to_owned()),
            env: Secrets([("OWN".to_owned(), "value".to_owned())].into()),
            ..Server::default()
        });
    });
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("the child wrote it");
    assert_eq!(read("pwd").trim(), folder.path().canonicalize().expect("it is there").to_string_lossy());
    let environment = read("env");
    assert!(environment.contains("OWN=value\n"), "{environment}");
    assert!(!environment.contains("CARGO"), "{environment}");
}
