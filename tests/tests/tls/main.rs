//! TLS on the client port: a gateway on real sockets, certificates made for each test, and clients of a library's TLS with
//! every byte above it their own.

mod certificates;
mod clients;
mod handshakes;
mod hostile;
mod library;
mod memory;
mod program;
mod signatures;
mod signed_library;
mod signing;
mod traffic;

use gateway::Config;
use gateway::config::{Certificate, Demand};
use std::io;
use std::path::PathBuf;
use tempfile::TempDir;
use tests::{Authority, Bearer, Client, Endpoints, Gateway, Socket, Trust};

const BINARY: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

/// The name that gateways have here, if no other is given.
const NAME: &str = "gateway.example";

/// An authority, and a folder for what it gives.
struct Setting {
    authority: Authority,
    folder: TempDir,
}

impl Setting {
    fn new() -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        Self { authority: Authority::fresh("servers"), folder }
    }

    /// Writes a certificate and its key.
    fn write(&self, bearer: &Bearer, name: &str) -> Certificate {
        let (cert_file, key_file) = bearer.write(self.folder.path(), name);
        Certificate { cert_file, key_file }
    }

    /// Writes a file with the certificate of an authority.
    fn write_authority(&self, authority: &Authority, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, &authority.pem).expect("the folder is ours");
        path
    }

    /// Has the gateway speak TLS as [`NAME`].
    fn serve(&self, config: &mut Config) {
        let pair = self.write(&self.authority.certify(&[NAME]), "gateway");
        (config.tls.cert_file, config.tls.key_file) = (Some(pair.cert_file), Some(pair.key_file));
    }

    fn gateway(&self, configure: impl FnOnce(&mut Config)) -> Gateway {
        Gateway::with(|config| {
            self.serve(config);
            configure(config);
        })
    }

    fn trust(&self) -> Trust {
        Trust::of(&self.authority)
    }
}

/// Has the gateway ask for certificates of this authority.
fn asked(config: &mut Config, setting: &Setting, clients: &Authority, how: Demand) {
    config.tls.client_ca_file = Some(setting.write_authority(clients, "clients.pem"));
    config.tls.client_certificates = how;
}

/// A handshake with the gateway as [`NAME`].
fn shake(gateway: &Endpoints, trust: &Trust) -> io::Result<Socket> {
    gateway.open().under_tls(&trust.config(), NAME)
}

/// A connection under TLS on which nothing was said yet.
#[track_caller]
fn open(gateway: &Endpoints, trust: &Trust) -> Socket {
    shake(gateway, trust).unwrap_or_else(|error| panic!("no handshake: {error}"))
}

/// A connection under TLS that speaks `mcp.v1`.
#[track_caller]
fn connect(gateway: &Endpoints, trust: &Trust) -> Client {
    gateway.accepted_on(open(gateway, trust), &gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1"))
}

/// Checks that there is no handshake, and that it is counted once under this reason.
#[track_caller]
fn check_refused(gateway: &Endpoints, trust: &Trust, reason: &str) {
    let series = format!("websocket_handshakes_refused_total{{reason=\"{reason}\"}}");
    let before = gateway.metrics().value(&series);
    // Under TLS 1.3 a client hears only later that its certificate was not accepted.
    let refusal = match shake(gateway, trust) {
        Err(error) => error.to_string(),
        Ok(mut socket) => socket.await_alert(),
    };
    assert!(refusal.contains("alert"), "{refusal}");
    gateway.await_metric(&series, before + 1.0);
    gateway.await_metric("websocket_connections_total", 0.0);
}
