//! A real OpenTelemetry collector on free ports, and the spans that it has taken. Dropped, it is killed.

use crate::{installed, until};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    grpc: SocketAddr,
    http: SocketAddr,
    child: Child,
    written: Arc<Mutex<String>>,
}

/// A span, as the collector has taken it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its trace's id.
    pub trace: String,
    /// Its own.
    pub id: String,
    /// That of its parent; empty for none.
    pub parent: String,
    /// What it is called.
    pub name: String,
    /// `SERVER`, `CLIENT`, `INTERNAL`.
    pub kind: String,
    /// In nanoseconds since 1970, from when to when.
    pub time: (u64, u64),
    /// Whether it failed.
    pub failed: bool,
    /// The service that it is of.
    pub service: String,
    /// Names and values.
    pub attributes: Vec<(String, String)>,
    /// The traces that it names.
    pub links: Vec<String>,
}

impl Span {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

impl Collector {
    /// Starts one, where `target_tmp` is the test's `CARGO_TARGET_TMPDIR`.
    ///
    /// # Panics
    /// There is none to start; says what installs it.
    pub fn start(target_tmp: &str) -> Self {
        let program = installed(target_tmp, "judges/bin/rotel");
        // Somebody else may take a port between; then it is another one.
        for _ in 0..5 {
            let [grpc, http] = [free_address(), free_address()];
            let mut child = Command::new(&program)
                .args(["start", "--exporter", "blackhole", "--debug-log", "traces"])
                .args(["--debug-log-verbosity", "detailed", "--pid-file", "/dev/null"])
                .args(["--otlp-grpc-endpoint", &grpc.to_string(), "--otlp-http-endpoint", &http.to_string()])
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("{} can't be started: {error}", program.display()));
            let written = Arc::new(Mutex::new(String::new()));
            let (output, sink) = (child.stdout.take().expect("it is piped"), Arc::clone(&written));
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let mut written = sink.lock().unwrap_or_else(PoisonError::into_inner);
                    written.push_str(&line);
                    written.push('\n');
                }
            });
            let mut collector = Self { grpc, http, child, written };
            if collector.stays() {
                return collector;
            }
        }
        panic!("rotel ends when it is started");
    }

    fn stays(&mut self) -> bool {
        until("rotel to take connections", || {
            let ended = self.child.try_wait().expect("it is our child").is_some();
            let answers = [self.grpc, self.http].iter().all(|at| TcpStream::connect(at).is_ok());
            (ended || answers).then_some(!ended)
        })
    }

    /// The endpoint for OTLP/gRPC.
    pub fn grpc(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// The endpoint for OTLP/HTTP.
    pub fn http(&self) -> String {
        format!("http://{}", self.http)
    }

    /// All that it was told, as text.
    pub fn text(&self) -> String {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        parse(&self.text())
    }

    /// Waits until it has a span of which this holds.
    ///
    /// # Panics
    /// None comes in time.
    pub fn await_span(&self, awaited: &str, is_meant: impl Fn(&Span) -> bool) -> Span {
        until(&format!("the span {awaited}"), || self.spans().into_iter().find(|span| is_meant(span)))
    }

    /// Waits until it has a span of this name.
    ///
    /// # Panics
    /// None comes in time.
    pub fn await_named(&self, name: &str) -> Span {
        self.await_span(name, |span| span.name == name)
    }

    /// Has it hold still, or go on.
    ///
    /// # Panics
    /// There is no command `kill`.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.expect("there is a command kill").success());
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on loopback that nobody listens at.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    listener.local_addr().expect("a bound socket has an address")
}

/// The spans of what the collector writes for people.
fn parse(text: &str) -> Vec<Span> {
    #[derive(PartialEq)]
    enum Part {
        Resource,
        Span,
        Links,
    }
    let (mut spans, mut service, mut part) = (Vec::<Span>::new(), String::new(), Part::Resource);
    for line in text.lines() {
        match line.trim() {
            "Resource attributes:" => part = Part::Resource,
            "Attributes:" => part = Part::Span,
            "Links:" => part = Part::Links,
            line if line.starts_with("Span #") => {
                spans.push(Span { service: service.clone(), ..Span::default() });
                part = Part::Span;
            }
            line => {
                let Some((name, value)) = line.split_once(':') else { continue };
                let (name, value) = (name.trim(), value.trim());
                let attribute = name.strip_prefix("-> ");
                match (attribute, &part, spans.last_mut()) {
                    (Some("service.name"), Part::Resource, _) => service = bare(value),
                    (Some("Trace ID"), Part::Links, Some(span)) => span.links.push(value.to_owned()),
                    (Some(name), Part::Span, Some(span)) => {
                        span.attributes.push((name.to_owned(), bare(value)));
                    }
                    (None, _, Some(span)) => match name {
                        "Trace ID" => value.clone_into(&mut span.trace),
                        "ID" => value.clone_into(&mut span.id),
                        "Parent ID" => value.clone_into(&mut span.parent),
                        "Name" => value.clone_into(&mut span.name),
                        "Kind" => value.trim_start_matches("SPAN_KIND_").clone_into(&mut span.kind),
                        "Start time" => span.time.0 = value.parse().unwrap_or_default(),
                        "End time" => span.time.1 = value.parse().unwrap_or_default(),
                        "Status code" => span.failed = value == "STATUS_CODE_ERROR",
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
    }
    // The last may still be on its way.
    spans.retain(|span| span.time.1 > 0);
    spans
}

/// `Str(text)` without its type.
fn bare(value: &str) -> String {
    let inner = value.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(value).to_owned()
}
