//! The ways to a collector: OTLP/HTTP, TLS by the scheme, and what is sent so that it knows who it is.

use crate::collector;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use tests::{Gateway, Span, until};

#[test]
fn spans_travel_by_http_too() {
    let collector = collector();
    let endpoint = collector.http();
    let gateway = Gateway::with(|config| {
        (config.traces.endpoint, config.traces.ratio) = (Some(endpoint), 1.0);
        config.traces.protocol = metrics::trace::Protocol::Http;
    });
    gateway.connect().ask("echo", &json!(1));
    let Span { service, kind, .. } = collector.await_named("echo");
    assert_eq!((&*service, &*kind), ("mcpw", "SERVER"));
    let text = collector.text();
    for key in ["service.version", "service.instance.id", "host.name", "process.pid"] {
        assert!(text.contains(&format!("-> {key}: ")), "no {key} in {text}");
    }
    until("the spans to be counted", || {
        (gateway.metrics().value("traces_spans_exported_total") > 0.0).then_some(())
    });
}

#[test]
fn headers_of_the_settings_and_of_their_file_are_sent_and_never_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let file = folder.path().join("headers");
    std::fs::write(&file, "# ours\nauthorization: Bearer of-the-file\n").expect("the folder is ours");
    let gateway = Gateway::with(|config| {
        (config.traces.endpoint, config.traces.ratio) = (Some(format!("http://{address}/otlp")), 1.0);
        config.traces.protocol = metrics::trace::Protocol::Http;
        let value = metrics::trace::HeaderValue("of-the-settings".to_owned());
        config.traces.headers.insert("x-key".to_owned(), value);
        config.traces.headers_file = Some(file);
        let shown = serde_json::to_string(config).expect("a configuration is plain data");
        assert!(!shown.contains("of-the-settings"), "{shown}");
    });
    gateway.connect().ask("echo", &json!(1));
    let (mut socket, _) = listener.accept().expect("the exporter connects");
    let (mut read, mut bytes) = (Vec::new(), [0; 1024]);
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = socket.read(&mut bytes).expect("the request comes");
        assert!(count > 0, "the request came whole");
        read.extend_from_slice(&bytes[..count]);
    }
    let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let head = String::from_utf8_lossy(&read).to_lowercase();
    for line in ["post /otlp http/1.1", "authorization: bearer of-the-file", "x-key: of-the-settings"] {
        assert!(head.lines().any(|found| found == line), "no {line} in {head}");
    }
}
