//! A server of Model Context Protocol by HTTP that keeps what it was sent, of either era.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const TOOLS: &str = r#"{"tools":[{"name":"where","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}},{"name":"wrong","inputSchema":{"type":"object","properties":{"n":{"type":"number","x-mcp-header":"N"}}}}]}"#;

/// A request: its head, and its body.
pub(crate) type Sent = (String, Value);

/// A running server. It ends with the test's process.
pub(crate) struct Endpoint {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<Sent>>>,
    given_up: Arc<AtomicUsize>,
}

impl Endpoint {
    pub(crate) fn start(is_legacy: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let given_up = Arc::new(AtomicUsize::new(0));
        let (kept, abandoned) = (Arc::clone(&sent), Arc::clone(&given_up));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, abandoned) = (Arc::clone(&kept), Arc::clone(&abandoned));
                // A connection that breaks off is the bridge's to notice.
                std::thread::spawn(move || drop(serve(stream, is_legacy, &kept, &abandoned)));
            }
        });
        Self { address, sent, given_up }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// How often it was asked for what belongs to no request. It is too busy for that at first.
    pub(crate) fn listened(&self) -> usize {
        listened(&self.sent)
    }

    /// How many of the messages that it never answers are waited for no longer: calls of `wrong`, and cancels.
    pub(crate) fn given_up(&self) -> usize {
        self.given_up.load(Ordering::Relaxed)
    }

    /// The requests with this method.
    pub(crate) fn sent(&self, method: &str) -> Vec<Sent> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().filter(|(_, body)| body["method"] == method).cloned().collect()
    }
}

fn listened(sent: &Mutex<Vec<Sent>>) -> usize {
    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    sent.iter().filter(|(head, _)| head.starts_with("GET")).count()
}

fn serve(
    stream: TcpStream,
    is_legacy: bool,
    kept: &Mutex<Vec<Sent>>,
    abandoned: &AtomicUsize,
) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut from = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            }
            head += line;
            head.push('\n');
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        kept.lock().unwrap_or_else(PoisonError::into_inner).push((head.clone(), body.clone()));
        if body["params"]["name"] == "wrong" || body["method"] == "notifications/cancelled" {
            // Nothing comes before the connection ends.
            let _ = from.fill_buf();
            abandoned.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let (status, kind, text) = match listened(kept) {
            1 if head.starts_with("GET") => ("503 Service Unavailable", "text/plain", String::new()),
            _ => answer(&head, &body, is_legacy),
        };
        let session = if is_legacy { "mcp-session-id: s-1\r\n" } else { "" };
        let size = text.len();
        write!(
            out,
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n{session}\r\n{text}"
        )?;
    }
}

fn answer(head: &str, body: &Value, is_legacy: bool) -> (&'static str, &'static str, String) {
    const JSON: &str = "application/json";
    let id = &body["id"];
    let result =
        |result: &str| ("200 OK", JSON, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
    let knows_session = head.contains("mcp-session-id: s-1");
    match body["method"].as_str().unwrap_or_default() {
        "server/discover" if !is_legacy => result(
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#,
        ),
        "initialize" if is_legacy => result(
            r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"e","version":"1"}}"#,
        ),
        _ if is_legacy && !knows_session => ("400 Bad Request", "text/plain", "no session".to_owned()),
        "" => ("405 Method Not Allowed", "text/plain", String::new()),
        "tools/list" => result(TOOLS),
        "tools/call" => {
            let token = &body["params"]["_meta"]["progressToken"];
            let note = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
            );
            let kind = if is_legacy { "" } else { r#","resultType":"complete""# };
            let end = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[],"y":{{ }}{kind}}}}}"#);
            (
                "200 OK",
                "text/event-stream",
                format!(": hello\r\n\r\ndata: {note}\r\n\r\nid: 7\r\ndata: {end}\r\n\r\n"),
            )
        }
        _ => ("202 Accepted", JSON, String::new()),
    }
}
