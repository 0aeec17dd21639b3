//! A client of the REST API that says every byte itself: one connection, which is kept, and answers whole or bit by bit.

use crate::{Endpoints, Response, Socket, until};
use serde_json::Value;

/// A connection that speaks HTTP/1.1 for one holder of a token.
#[derive(Debug)]
pub struct Http {
    socket: Socket,
    token: String,
    /// What came of a body that comes bit by bit.
    stream: Vec<u8>,
}

/// A server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Its kind; `message` where none was told.
    pub kind: String,
    /// Its id; empty where none was told.
    pub id: String,
    /// Its data; empty where there is none, as with a comment.
    pub data: String,
}

impl Sent {
    /// The data as JSON.
    ///
    /// # Panics
    /// It is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

impl Http {
    /// A connection for the holder of the gateway's usual token.
    pub fn open(gateway: &Endpoints) -> Self {
        Self::with_token(gateway, &gateway.keys.token())
    }

    /// A connection for the holder of this token.
    pub fn with_token(gateway: &Endpoints, token: &str) -> Self {
        Self::over(gateway.open(), token)
    }

    /// As [`Self::with_token`], over this connection.
    pub fn over(socket: Socket, token: &str) -> Self {
        Self { socket, token: token.to_owned(), stream: Vec::new() }
    }

    /// As [`Self::open`], once the tool is known where the connection has come to: each shard hears of it by itself.
    pub fn knowing(gateway: &Endpoints, tool: &str) -> Self {
        let mut http = Self::open(gateway);
        until(&format!("the tool {tool}"), || {
            (http.get(&format!("/tools/{tool}")).status == 200).then_some(())
        });
        http
    }

    /// Sends a request; its path stands below `/api/v1`. A body is JSON where no header says otherwise.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) {
        self.send_at(method, &format!("/api/v1{path}"), headers, body);
    }

    /// As [`Self::send`], with the whole path.
    pub fn send_at(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        if !self.token.is_empty() {
            request += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request += "Content-Type: application/json\r\n";
            }
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        self.socket.send((request + body.unwrap_or_default()).as_bytes());
    }

    /// Sends these bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.socket.send(bytes);
    }

    /// The next answer, whole.
    pub fn response(&mut self) -> Response {
        self.socket.response()
    }

    /// The socket below.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Asks and awaits the answer.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Response {
        self.send(method, path, headers, body);
        self.response()
    }

    /// Gets what is at this path.
    pub fn get(&mut self, path: &str) -> Response {
        self.ask("GET", path, &[], None)
    }

    /// Posts JSON.
    pub fn post(&mut self, path: &str, body: &Value) -> Response {
        self.ask("POST", path, &[], Some(&body.to_string()))
    }

    /// Asks for server-sent events; their head.
    ///
    /// # Panics
    /// The answer is none.
    pub fn open_stream(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Response {
        let mut all = headers.to_vec();
        all.push(("Accept", "text/event-stream"));
        self.send(method, path, &all, body);
        let head = self.socket.head();
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.header("Content-Type"), Some("text/event-stream"), "{head:?}");
        assert_eq!(head.header("Transfer-Encoding"), Some("chunked"), "{head:?}");
        head
    }

    /// The head of an answer whose body comes bit by bit.
    pub fn head(&mut self) -> Response {
        self.socket.head()
    }

    /// The next server-sent event, or comment.
    pub fn sent(&mut self) -> Sent {
        loop {
            if let Some(end) = self.stream.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.stream.drain(..end + 2).collect();
                return parsed(std::str::from_utf8(&event).expect("events are UTF-8"));
            }
            let chunk = self.chunk();
            assert!(!chunk.is_empty(), "the stream has ended");
            self.stream.extend(chunk);
        }
    }

    /// The next event with data.
    pub fn event(&mut self) -> Sent {
        loop {
            let sent = self.sent();
            if !sent.data.is_empty() {
                return sent;
            }
        }
    }

    /// Awaits the end of the stream; comments may come before.
    ///
    /// # Panics
    /// An event comes before.
    pub fn stream_ended(&mut self) {
        while !self.stream.is_empty() {
            let left = self.sent();
            assert_eq!(left.data, "", "{left:?}");
        }
        loop {
            let chunk = self.chunk();
            if chunk.is_empty() {
                return;
            }
            let text = String::from_utf8(chunk).expect("events are UTF-8");
            assert!(!text.contains("data: "), "{text}");
        }
    }

    /// The next chunk of a chunked body.
    fn chunk(&mut self) -> Vec<u8> {
        self.socket.parse("a chunk", |bytes| {
            let line = bytes.windows(2).position(|two| two == b"\r\n")?;
            let size = std::str::from_utf8(&bytes[..line]).expect("a size is text");
            let size = usize::from_str_radix(size, 16).unwrap_or_else(|error| panic!("{size:?}: {error}"));
            let chunk = bytes.get(line + 2..line + 2 + size + 2)?;
            Some((chunk[..size].to_vec(), line + 2 + size + 2))
        })
    }
}

fn parsed(text: &str) -> Sent {
    let mut sent = Sent { kind: "message".to_owned(), ..Sent::default() };
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line:?}"));
        match name {
            "event" => value.clone_into(&mut sent.kind),
            "id" => value.clone_into(&mut sent.id),
            "data" => sent.data += value,
            "" | "retry" => {}
            _ => panic!("an unknown field: {line:?}"),
        }
    }
    sent
}
