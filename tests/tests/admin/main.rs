//! The Admin API and `mcpw admin`, by real gateways, real clients and the real command: who may ask, what is shown, and what
//! is done.

mod access;
mod command;
mod connections;
mod drain;
mod page;
mod pods;
mod sessions;
mod tails;

use auth::{ApiKeyEntry, OperatorToken, Role};
use gateway::Config;
use serde_json::Value;
use tests::{Client, Endpoints, Process, Response, Socket};

const BINARY: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

/// A gateway as a process that does not log each frame.
fn process(configure: impl FnOnce(&mut Config)) -> Process {
    Process::start(BINARY, |config| {
        config.log.level = "gateway=info,warn".to_owned();
        configure(config);
    })
}

/// Somebody who asks at the operators' port.
#[derive(Clone, Debug)]
struct Operator {
    gateway: Endpoints,
    token: Option<String>,
}

impl Operator {
    /// A program on the gateway's machine.
    fn local(gateway: &Endpoints) -> Self {
        Self { gateway: gateway.clone(), token: None }
    }

    fn with(gateway: &Endpoints, token: &str) -> Self {
        Self { gateway: gateway.clone(), token: Some(token.to_owned()) }
    }

    /// The head of a request, without what follows it.
    fn head(&self, method: &str, path: &str) -> String {
        let token =
            self.token.as_ref().map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{token}")
    }

    fn ask(&self, method: &str, path: &str) -> Response {
        self.send(method, path, "", "")
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Response {
        let head = self.head(method, path);
        let length = body.len();
        let mut socket = Socket::connect(self.gateway.admin);
        let rest = format!("{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        socket.send((head + &rest).as_bytes());
        socket.response()
    }

    /// What is at this path.
    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let response = self.ask("GET", path);
        assert_eq!(response.status, 200, "{path}: {response:?} {}", response.text());
        assert_eq!(response.header("Content-Type"), Some("application/json"));
        response.json()
    }

    /// Why this is refused.
    #[track_caller]
    fn refused(&self, method: &str, path: &str, status: u16) -> String {
        let response = self.ask(method, path);
        assert_eq!(response.status, status, "{method} {path}: {}", response.text());
        response.error()
    }
}

/// A fresh token, and how the settings know it.
fn token(name: &str, role: Role) -> (String, OperatorToken) {
    let (token, entry) = ApiKeyEntry::fresh("t", "a", Vec::new(), None).expect("the members are right");
    (token, OperatorToken { name: name.to_owned(), token_hash: Some(entry.hash), token_file: None, role })
}

/// A client of this tenant and agent.
fn client_of(gateway: &Endpoints, tenant: &str, agent: &str) -> Client {
    let claims = auth::Claims { tenant: tenant.to_owned(), agent: agent.to_owned(), ..tests::Keys::claims() };
    let token = gateway.keys.mint(&claims);
    let request = gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
    gateway.accepted(&request.with("Sec-WebSocket-Protocol", "mcp.v1"))
}
