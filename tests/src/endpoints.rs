//! Where a running gateway can be reached, and the first steps of a test with it.

use crate::{Client, Keys, Metrics, Request, Response, Socket, until};
use serde_json::Value;
use std::net::SocketAddr;

/// A gateway's addresses and key.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Where clients connect.
    pub clients: SocketAddr,
    /// Metrics and health.
    pub admin: SocketAddr,
    /// Where backends register.
    pub grpc: SocketAddr,
    /// What tokens are signed with.
    pub keys: Keys,
}

impl Endpoints {
    /// A TCP connection to the client port on which nothing was said yet.
    pub fn open(&self) -> Socket {
        Socket::connect(self.clients)
    }

    /// An upgrade that the gateway accepts: `/ws`, a valid token, no subprotocol.
    pub fn upgrade(&self) -> Request {
        Request::upgrade(self.clients).with("Authorization", &format!("Bearer {}", self.keys.token()))
    }

    /// Sends a request and reads the answer.
    pub fn ask(&self, request: &Request) -> Response {
        let mut socket = self.open();
        socket.send(&request.bytes());
        socket.response()
    }

    /// An upgraded connection; the answer to the upgrade was checked.
    pub fn accepted(&self, request: &Request) -> Client {
        self.accepted_on(self.open(), request)
    }

    /// As [`Self::accepted`], over this connection.
    pub fn accepted_on(&self, mut socket: Socket, request: &Request) -> Client {
        socket.send(&request.bytes());
        let response = socket.response();
        response.check_accepts(request);
        Client::new(socket, response)
    }

    /// A connection that speaks `mcp.v1`.
    pub fn connect(&self) -> Client {
        self.accepted(&self.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1"))
    }

    /// A connection that speaks `mcp.v1.binary`.
    pub fn connect_binary(&self) -> Client {
        self.accepted(&self.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1.binary"))
    }

    /// The answer of the operators' port to a GET.
    pub fn admin(&self, path: &str) -> Response {
        self.admin_with(path, "")
    }

    /// The same with further headers, each with its line break.
    pub fn admin_with(&self, path: &str, headers: &str) -> Response {
        let mut socket = Socket::connect(self.admin);
        let head = format!("GET {path} HTTP/1.1\r\nHost: admin\r\n{headers}Connection: close\r\n\r\n");
        socket.send(head.as_bytes());
        socket.response()
    }

    /// The answer of the operators' port to a POST of JSON.
    pub fn admin_post(&self, path: &str, body: &Value) -> Response {
        let body = body.to_string();
        let length = body.len();
        let mut socket = Socket::connect(self.admin);
        let head = format!("POST {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: {length}\r\n");
        socket.send(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
        socket.response()
    }

    /// What the gateway has counted so far.
    ///
    /// # Panics
    /// The operators' port does not answer with 200.
    pub fn metrics(&self) -> Metrics {
        let response = self.admin("/metrics");
        assert_eq!(response.status, 200, "{response:?}");
        Metrics::parse(&response.text())
    }

    /// Waits until a series has this value.
    ///
    /// # Panics
    /// It is a counter and has more already, or has not come to the value within [`crate::PATIENCE`], or there is no
    /// such series.
    pub fn await_metric(&self, series: &str, value: f64) {
        let only_grows = series.contains("_total") || series.contains("_count");
        until(&format!("{series} to be {value}"), || {
            let now = self.metrics().value(series);
            assert!(!only_grows || now <= value, "{series} is {now}, more than {value}");
            (now == value).then_some(())
        });
    }

    /// Waits until a series that appears with its first count has come to this.
    ///
    /// # Panics
    /// It has more already, or has not come to it within [`crate::PATIENCE`].
    pub fn await_count(&self, series: &str, count: f64) {
        until(&format!("{series} to be {count}"), || {
            let now = self.metrics().count(series);
            assert!(now <= count, "{series} is {now}, more than {count}");
            (now == count).then_some(())
        });
    }

    /// Waits until so many replicas of backends are known.
    ///
    /// # Panics
    /// There are not so many within [`crate::PATIENCE`].
    pub fn await_replicas(&self, count: f64) {
        until(&format!("{count} replicas to be known"), || {
            (self.metrics().sum("backend_replicas") == count).then_some(())
        });
    }

    /// Waits until the gateway has no open connection.
    ///
    /// # Panics
    /// It still has one after [`crate::PATIENCE`].
    pub fn await_no_connections(&self) {
        self.await_metric("websocket_connections_active", 0.0);
    }
}
