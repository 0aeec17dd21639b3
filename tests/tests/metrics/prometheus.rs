//! A real Prometheus on a free port, which scrapes one gateway. Dropped, it is killed.

use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tests::{Socket, until};

pub(crate) struct Prometheus {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it.
    ///
    /// # Panics
    /// There is none to start; says what to install.
    pub(crate) fn scraping(target: SocketAddr) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let settings = serde_json::json!({
            "global": {"scrape_interval": "500ms"},
            "scrape_configs": [{"job_name": "mcpw", "static_configs": [{"targets": [target.to_string()]}]}],
        });
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, settings.to_string()).expect("the folder is ours");
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        drop(listener);
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=exemplar-storage")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs prometheus: apt-get install --no-install-recommends prometheus");
        let prometheus = Self { address, process, _folder: folder };
        until("prometheus to listen", || std::net::TcpStream::connect(address).ok());
        prometheus
    }

    /// The answer to a question; `null` while it is not ready.
    pub(crate) fn ask(&self, path: &str) -> Value {
        let mut socket = Socket::connect(self.address);
        socket.send(format!("GET {path} HTTP/1.0\r\nHost: prometheus\r\n\r\n").as_bytes());
        serde_json::from_str(&socket.response().text()).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
