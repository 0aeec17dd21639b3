//! The provider's process, and what its clients get of it.

use crate::AUDIENCE;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;
use tests::{Authority, Bearer, Request, Socket, Trust, installed};

const PROGRAM: &str = include_str!("../../clients/node/provider.mjs");

/// How the provider's one client shows who it is.
const CLIENT: &str = "client_id=bot&client_secret=a+secret+of+the+test";

/// A running or killed provider.
pub(crate) struct Provider {
    authority: Authority,
    bearer: Bearer,
    /// Holds the program, where it finds its packages, and the authority's certificate.
    folder: TempDir,
    /// What it calls itself, if not by its address.
    name: Option<String>,
    port: u16,
    process: Option<Process>,
}

struct Process {
    child: Child,
    /// The process ends with its input, however the test does.
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Provider {
    /// Starts a provider whose keys are of this generation.
    pub(crate) fn start(generation: &str) -> Self {
        Self::named(None, generation)
    }

    /// One that says to be another.
    pub(crate) fn impostor(of: &Self, generation: &str) -> Self {
        Self::named(Some(of.issuer()), generation)
    }

    fn named(name: Option<String>, generation: &str) -> Self {
        let package = installed(env!("CARGO_TARGET_TMPDIR"), "node/node_modules/oidc-provider");
        let parent = package.ancestors().nth(2).expect("it is two folders down");
        let folder = tempfile::Builder::new().prefix("run").tempdir_in(parent).expect("it is ours");
        let authority = Authority::fresh("provider");
        std::fs::write(folder.path().join("provider.mjs"), PROGRAM).expect("the folder is ours");
        std::fs::write(folder.path().join("authority.pem"), &authority.pem).expect("the folder is ours");
        let bearer = authority.certify(&["127.0.0.1"]);
        let mut provider = Self { authority, bearer, folder, name, port: 0, process: None };
        provider.restart(generation);
        provider
    }

    /// Starts it anew, at the port that it had, with fresh keys of this generation.
    pub(crate) fn restart(&mut self, generation: &str) {
        let mut child = Command::new("node")
            .arg(self.folder.path().join("provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs Node: `cargo xtask test --prepare` installs it");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut process = Process { child, input, output };
        let setup = json!({
            "port": self.port,
            "issuer": self.name,
            "certificate": self.bearer.certificate,
            "key": self.bearer.key,
            "audience": AUDIENCE,
            "generations": [generation],
        });
        let ready = process.ask(&setup.to_string());
        let port = ready.strip_prefix("ready ").and_then(|port| port.parse().ok());
        self.port = port.unwrap_or_else(|| panic!("the provider does not start: {ready:?}"));
        self.process = Some(process);
    }

    /// Publishes the keys of these generations from now on; the first of them signs.
    pub(crate) fn publish(&mut self, generations: &[&str]) {
        let process = self.process.as_mut().expect("it is running");
        assert_eq!(process.ask(&generations.join(" ")), "published");
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Its name, which stands in its tokens.
    pub(crate) fn issuer(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("https://{}", self.address()))
    }

    /// The file of the authority that vouches for it.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// An access token for a resource, which decides what it is like.
    pub(crate) fn token(&self, resource: &str) -> String {
        self.token_with(resource, "event:publish")
    }

    /// As [`Self::token`], with this scope; without one where it is empty.
    pub(crate) fn token_with(&self, resource: &str, scope: &str) -> String {
        let grant = "grant_type=client_credentials";
        let form = format!("{grant}&resource=https://mcpw.example/{resource}&scope={scope}");
        text(&self.post("/token", &form), "access_token")
    }

    /// An ID token of a person, who agreed on a device of their own (OpenID Connect CIBA).
    pub(crate) fn id_token(&self) -> String {
        let asked = self.post("/backchannel", "scope=openid&login_hint=alice");
        let grant = format!(
            "grant_type=urn:openid:params:grant-type:ciba&auth_req_id={}",
            text(&asked, "auth_req_id")
        );
        text(&self.post("/token", &grant), "id_token")
    }

    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    fn post(&self, path: &str, form: &str) -> Value {
        let trust = Trust::of(&self.authority);
        let socket = Socket::connect(self.address()).under_tls(&trust.config(), "127.0.0.1");
        let mut socket = socket.expect("the provider's certificate is good");
        let body = format!("{form}&{CLIENT}");
        let request = Request::upgrade(self.address())
            .line(&format!("POST {path} HTTP/1.1"))
            .replace("Connection", "close")
            .without("Upgrade")
            .with("Content-Type", "application/x-www-form-urlencoded")
            .with("Content-Length", &body.len().to_string())
            .body(body.as_bytes());
        socket.send(&request.bytes());
        let response = socket.response();
        assert_eq!(response.status, 200, "{path} {form}: {}", response.text());
        response.json()
    }
}

impl Process {
    /// Says a line and hears one.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("the provider listens");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("the provider speaks");
        answer.trim_end().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_else(|| panic!("no {member} in {answer}")).to_owned()
}
