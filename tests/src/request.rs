//! An HTTP request, every part of which may be wrong.

use std::net::SocketAddr;

/// A request line and headers, in the order given.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request line without its end.
    pub line: String,
    headers: Vec<(String, String)>,
    /// What ends a line.
    pub line_end: &'static str,
    /// Bytes behind the head.
    pub body: Vec<u8>,
}

impl Request {
    /// The key of the sample in RFC 6455 section 1.3.
    pub const KEY: &'static str = "dGhlIHNhbXBsZSBub25jZQ==";

    /// An upgrade at `/ws` as RFC 6455 section 4.1 says, without a token.
    pub fn upgrade(address: SocketAddr) -> Self {
        Self { line: "GET /ws HTTP/1.1".to_owned(), headers: Vec::new(), line_end: "\r\n", body: Vec::new() }
            .with("Host", &address.to_string())
            .with("Connection", "Upgrade")
            .with("Upgrade", "websocket")
            .with("Sec-WebSocket-Version", "13")
            .with("Sec-WebSocket-Key", Self::KEY)
    }

    /// Another request line.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        line.clone_into(&mut self.line);
        self
    }

    /// One more header, also of a name that is there already.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No header of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// The header with this value alone.
    #[must_use]
    pub fn replace(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    /// Bytes behind the head.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// How many headers there are.
    pub fn header_count(&self) -> usize {
        self.headers.len()
    }

    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The head's size in bytes.
    pub fn head_len(&self) -> usize {
        self.bytes().len() - self.body.len()
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = self.line.clone() + self.line_end;
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}{}", self.line_end);
        }
        head += self.line_end;
        [head.as_bytes(), &self.body].concat()
    }
}
