//! An identity provider on loopback: real HTTP or HTTPS, documents that a test replaces, and a count of who came.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    documents: HashMap<String, String>,
    requests: HashMap<String, usize>,
    down: bool,
    drip: Option<Drip>,
    over: bool,
}

/// An answer that never ends.
#[derive(Clone, Copy, Debug)]
struct Drip {
    bytes: usize,
    pause: Duration,
}

/// A running provider. Dropped, it stops.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Provider {
    /// A provider without documents, over http.
    ///
    /// # Panics
    /// There is no free port.
    pub fn start() -> Self {
        Self::serve(None)
    }

    /// As [`Self::start`], over https with this certificate.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_tls(tls: Arc<ServerConfig>) -> Self {
        Self::serve(Some(tls))
    }

    fn serve(tls: Option<Arc<ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if lock(&shared).over {
                    return;
                }
                // A client that goes away early is its own affair.
                let _ = match &tls {
                    Some(tls) => answer_encrypted(stream, tls, &shared),
                    None => answer(&mut { stream }, &shared),
                };
            }
        });
        Self { address, scheme, state, thread: Some(thread) }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// What is at this path from now on.
    pub fn publish(&self, path: &str, document: String) {
        lock(&self.state).documents.insert(path.to_owned(), document);
    }

    /// Whether connections are dropped without an answer.
    pub fn set_down(&self, down: bool) {
        lock(&self.state).down = down;
    }

    /// From now on answers never end: after each pause so many bytes follow, until the client goes.
    pub fn drip(&self, bytes: usize, pause: Duration) {
        lock(&self.state).drip = Some(Drip { bytes, pause });
    }

    /// From now on answers are whole.
    pub fn answer_whole(&self) {
        lock(&self.state).drip = None;
    }

    /// How often this path was asked for.
    pub fn requests(&self, path: &str) -> usize {
        lock(&self.state).requests.get(path).copied().unwrap_or(0)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        lock(&self.state).over = true;
        // Wakes the thread.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the provider's thread panicked");
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no holder has panicked")
}

fn answer_encrypted(stream: TcpStream, tls: &Arc<ServerConfig>, state: &Mutex<State>) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(tls)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    answer(&mut stream, state)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn answer(stream: &mut (impl Read + Write), state: &Mutex<State>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? > 0 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut state = lock(state);
    *state.requests.entry(path.clone()).or_default() += 1;
    if state.down {
        return Ok(());
    }
    if let Some(Drip { bytes, pause }) = state.drip {
        drop(state);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")?;
        loop {
            std::thread::sleep(pause);
            stream.write_all(&vec![b' '; bytes])?;
        }
    }
    let response = match state.documents.get(&path) {
        // A whole response of its own.
        Some(document) if document.starts_with("HTTP/") => document.clone(),
        Some(document) => {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{document}", document.len())
        }
        None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    };
    drop(state);
    stream.write_all(response.as_bytes())
}
