//! An HTTP response, and what an accepted upgrade looks like.

use crate::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha1::{Digest, Sha1};

/// A response, whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The status and headers of a head, without the empty line.
    ///
    /// # Panics
    /// It is no head of HTTP/1.1.
    pub(crate) fn of_head(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let mut words = line.split(' ');
        let version = words.next().unwrap_or_default();
        assert!(["HTTP/1.1", "HTTP/1.0"].contains(&version), "no status line: {line:?}");
        let status = words.next().and_then(|word| word.parse().ok());
        let headers = lines.filter(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line:?}"));
            (name.to_owned(), value.to_owned())
        });
        Self {
            status: status.unwrap_or_else(|| panic!("no status: {line:?}")),
            headers: headers.collect(),
            body: Vec::new(),
        }
    }

    /// The value of the one header of this name.
    ///
    /// # Panics
    /// There are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| &**value);
        assert!(values.next().is_none(), "{name} stands twice in {self:?}");
        value
    }

    /// The body as text.
    ///
    /// # Panics
    /// It is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The body of a problem of this status and code, after its form was checked; what it says.
    ///
    /// # Panics
    /// It has another form.
    pub fn problem(&self, status: u16, code: u16) -> String {
        let shown = || format!("{self:?}, {}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.status, status, "{}", shown());
        assert_eq!(self.header("Content-Type"), Some("application/problem+json"), "{}", shown());
        let body = self.json();
        assert_eq!((&body["status"], &body["code"]), (&status.into(), &code.into()), "{body}");
        assert_eq!(body["type"], format!("urn:mcpw:error:{code}"), "{body}");
        assert!(body["title"].is_string(), "{body}");
        body["detail"].as_str().unwrap_or_else(|| panic!("no detail: {body}")).to_owned()
    }

    /// What the body of a refusal says, after its form was checked: a JSON object with `status` and `error`.
    ///
    /// # Panics
    /// It has another form.
    pub fn error(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is no JSON ({error}): {self:?}"));
        assert_eq!(body["status"], self.status, "{self:?}");
        body["error"].as_str().unwrap_or_else(|| panic!("no error text in {self:?}")).to_owned()
    }

    /// Checks that the response accepts the upgrade, by RFC 6455 section 4.1.
    ///
    /// # Panics
    /// It does not.
    pub fn check_accepts(&self, request: &Request) {
        assert_eq!(self.status, 101, "{self:?}, {}", String::from_utf8_lossy(&self.body));
        let is = |name: &str, value: &str| {
            assert!(self.header(name).is_some_and(|found| found.eq_ignore_ascii_case(value)), "{self:?}");
        };
        is("Upgrade", "websocket");
        is("Connection", "Upgrade");
        let key = request.header("Sec-WebSocket-Key").unwrap_or_default();
        let hash =
            Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
        assert_eq!(self.header("Sec-WebSocket-Accept"), Some(&*BASE64_STANDARD.encode(hash)));
        assert_eq!(self.header("Sec-WebSocket-Extensions"), None, "no extension was asked for");
    }
}
