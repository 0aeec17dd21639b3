//! A WebSocket server that follows a test's script, over one connection or several. Knows nothing of the client.

use std::convert::Infallible;
use std::future::Future;

use bytes::Bytes;
use client::{Client, Reconnect, State};
use fastwebsockets::{Frame, OpCode, WebSocket};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, SEC_WEBSOCKET_PROTOCOL};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server whose script runs; `finish` awaits it and passes its panics on.
pub(crate) struct Gateway {
    pub(crate) url: String,
    script: JoinHandle<()>,
}

impl Gateway {
    /// A client that ends with its first connection.
    pub(crate) fn client(&self) -> client::Builder {
        self.returning_client().reconnect(Reconnect::never())
    }

    /// A client that comes back.
    pub(crate) fn returning_client(&self) -> client::Builder {
        Client::builder(&self.url).name("test")
    }

    pub(crate) async fn finish(self) {
        self.script.await.expect("the gateway's script ends without a panic");
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' tasks are started here and nowhere else")]
pub(crate) fn start<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// Listens, upgrades one connection and runs the script on it.
pub(crate) async fn gateway<S, F>(script: S) -> Gateway
where
    S: FnOnce(Peer) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    raw_gateway(async move |stream| script(accept(stream).await).await).await
}

/// Like [`gateway`], with `initialize` already answered.
pub(crate) async fn ready<S, F>(script: S) -> Gateway
where
    S: FnOnce(Peer) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    gateway(async move |mut peer: Peer| {
        peer.initialize(json!({})).await;
        script(peer).await;
    })
    .await
}

/// Listens and hands the script one TCP connection.
pub(crate) async fn raw_gateway<S, F>(script: S) -> Gateway
where
    S: FnOnce(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    house(async move |door: Door| script(door.stream().await).await).await
}

/// Listens and lets the script accept as many connections as it wants.
pub(crate) async fn house<S, F>(script: S) -> Gateway
where
    S: FnOnce(Door) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}/ws", listener.local_addr().expect("an address"));
    Gateway { url, script: start(async move { script(Door { listener }).await }) }
}

/// Where connections come in.
pub(crate) struct Door {
    listener: TcpListener,
}

impl Door {
    pub(crate) async fn stream(&self) -> TcpStream {
        self.listener.accept().await.expect("a connection").0
    }

    /// The next connection, upgraded.
    pub(crate) async fn peer(&self) -> Peer {
        accept(self.stream().await).await
    }

    /// The next connection with a session on it, and what it was opened with, but for the attempt and its turn.
    pub(crate) async fn session(&self, answer: Value) -> (Peer, Value) {
        let mut peer = self.peer().await;
        let mut request = peer.initialize(answer).await;
        if let Some(resume) = request["params"].get_mut("resume").and_then(Value::as_object_mut) {
            let attempt = resume.remove("attempt");
            assert_eq!(attempt.is_some(), resume.contains_key("resume_token"), "{resume:?}");
            assert_eq!(resume.remove("turn").is_some(), attempt.is_some(), "{resume:?}");
        }
        (peer, request["params"].take())
    }

    /// Refuses the next connection with this answer.
    pub(crate) async fn refuse(&self, response: &str) {
        let mut stream = self.stream().await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a request"));
        }
        stream.write_all(response.as_bytes()).await.expect("the client reads");
    }
}

/// The server's end of a connection.
pub(crate) struct Peer {
    pub(crate) headers: HeaderMap,
    pub(crate) binary: bool,
    socket: WebSocket<TokioIo<Upgraded>>,
}

async fn accept(stream: TcpStream) -> Peer {
    let (sender, receiver) = oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let (mut response, upgrade) = fastwebsockets::upgrade::upgrade(&mut request).expect("an upgrade");
        let headers = request.headers().clone();
        if let Some(protocol) = headers.get(SEC_WEBSOCKET_PROTOCOL) {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone());
        }
        if let Some(sender) = sender.lock().expect("no panic").take() {
            let _ = sender.send((headers, upgrade));
        }
        async move { Ok::<Response<Empty<Bytes>>, Infallible>(response) }
    });
    start(async move {
        let http = hyper::server::conn::http1::Builder::new();
        let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    });
    let (headers, upgrade) = receiver.await.expect("a request");
    let mut socket = upgrade.await.expect("an upgraded connection");
    socket.set_auto_pong(false);
    socket.set_auto_close(false);
    let binary = headers.get(SEC_WEBSOCKET_PROTOCOL).is_some_and(|it| it == "mcp.v1.binary");
    Peer { headers, binary, socket }
}

impl Peer {
    /// Answers `initialize` with what any gateway says, changed by `other`.
    pub(crate) async fn initialize(&mut self, other: Value) -> Value {
        let request = self.receive().await;
        assert_eq!(request["method"], "initialize");
        let mut result = json!({
            "session_id": "s-1", "resumable": false, "resumed": false,
            "server": {"name": "mcpw", "version": "9.9.9"}, "limits": {},
        });
        result.as_object_mut().expect("an object").extend(other.as_object().expect("an object").clone());
        self.answer(&request, result).await;
        request
    }

    /// The next message, whichever the format, as its JSON envelope.
    pub(crate) async fn receive(&mut self) -> Value {
        let (opcode, payload) = self.frame().await;
        if opcode == OpCode::Text {
            return serde_json::from_slice(&payload).expect("JSON");
        }
        assert_eq!(opcode, OpCode::Binary, "a data frame");
        let mut messages = crate::binary::parse(&payload);
        assert_eq!(messages.len(), 1);
        messages.remove(0)
    }

    /// The messages of the next frame, whichever the format.
    pub(crate) async fn receive_all(&mut self) -> Vec<Value> {
        let (opcode, payload) = self.frame().await;
        if opcode == OpCode::Binary {
            return crate::binary::parse(&payload);
        }
        match serde_json::from_slice(&payload).expect("JSON") {
            Value::Array(messages) => messages,
            message => vec![message],
        }
    }

    /// The next frame of any kind.
    pub(crate) async fn frame(&mut self) -> (OpCode, Vec<u8>) {
        self.frame_or_end().await.expect("a frame")
    }

    /// The next frame of any kind; `None` if the client is gone.
    pub(crate) async fn frame_or_end(&mut self) -> Option<(OpCode, Vec<u8>)> {
        let frame = self.socket.read_frame().await.ok()?;
        Some((frame.opcode, frame.payload.to_vec()))
    }

    /// The code and reason of the next frame, which has to be a close.
    pub(crate) async fn close_frame(&mut self) -> (u16, String) {
        let (opcode, payload) = self.frame().await;
        assert_eq!(opcode, OpCode::Close, "{:?}", String::from_utf8_lossy(&payload));
        let (code, reason) = payload.split_first_chunk::<2>().expect("a code");
        (u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).expect("UTF-8"))
    }

    pub(crate) async fn answer(&mut self, request: &Value, result: Value) {
        self.send(json!({"id": request["id"], "type": 1, "result": result})).await;
    }

    pub(crate) async fn fail(&mut self, request: &Value, error: Value) {
        self.send(json!({"id": request["id"], "type": 3, "error": error})).await;
    }

    pub(crate) async fn progress(&mut self, request: &Value, mut params: Value) {
        params["id"] = request["id"].clone();
        self.send(json!({"type": 2, "method": "tool.progress", "params": params})).await;
    }

    /// Sends a message given as its JSON envelope, in the connection's format.
    pub(crate) async fn send(&mut self, message: Value) {
        if self.binary {
            self.write(true, OpCode::Binary, &crate::binary::build(&message)).await;
        } else {
            self.write(true, OpCode::Text, message.to_string().as_bytes()).await;
        }
    }

    pub(crate) async fn write(&mut self, fin: bool, opcode: OpCode, payload: &[u8]) {
        let frame = Frame::new(fin, opcode, None, payload.to_vec().into());
        self.socket.write_frame(frame).await.expect("the client reads");
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        self.socket.write_frame(Frame::close(code, reason.as_bytes())).await.expect("the client reads");
    }

    /// Ends the session as the client asks for it, and the connection with it.
    pub(crate) async fn part(mut self) {
        let request = self.receive().await;
        assert_eq!(request["method"], "session.close");
        self.answer(&request, json!({})).await;
        self.close(1000, "").await;
    }

    /// The bytes below the frames.
    pub(crate) fn into_stream(self) -> TokioIo<Upgraded> {
        self.socket.into_inner()
    }
}

/// What a gateway says that opens a session to be resumed with this token.
pub(crate) fn resumable(token: &str) -> Value {
    json!({"resumable": true, "resume_token": token, "resume_window_ms": 60000})
}

/// What it says when the session was resumed; the token is a new one.
pub(crate) fn resumed(token: &str) -> Value {
    json!({"resumable": true, "resumed": true, "recovered": true, "resume_token": token})
}

/// Waits for the connection of this number and returns the state.
pub(crate) async fn connected(client: &Client, number: u64) -> State {
    let mut states = client.states();
    loop {
        match states.next().await.expect("a state") {
            state @ State::Connected { connection, .. } if connection == number => return state,
            State::Ended(error) => panic!("{error}"),
            _ => {}
        }
    }
}

/// Waits until the connection is lost.
pub(crate) async fn reconnecting(client: &Client) {
    let mut states = client.states();
    while !matches!(states.next().await.expect("a state"), State::Reconnecting { .. }) {}
}
