//! How the bridge is set up: plain data with defaults.
mod server;

pub use server::{Era, Per, Secrets, Server};

use crate::names;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The settings of the bridge. Sizes are in bytes, times in milliseconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The backend's name at gateways, 1 to 64 of `[a-z0-9-]`. Default `mcp`.
    pub name: String,
    /// Where the bridge listens; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: String,
    /// Gateways at which to register, as `http://host:port` or `https://host:port`. Default none.
    pub registry: Vec<String>,
    /// The address that gateways shall dial, if it is not the one listened on.
    pub advertise: Option<String>,
    /// A file with the token by which the gateways know the bridge. Default none.
    pub registry_token_file: Option<PathBuf>,
    /// The authorities of gateways that are registered at by `https`, PEM. Default: those of the system.
    pub ca_file: Option<PathBuf>,
    /// The bridge's certificate, PEM, shown to gateways; with it its own port speaks TLS. Default none.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
    /// The authorities of the certificates that gateways have to show at the bridge's port, PEM. Default none.
    pub client_ca_file: Option<PathBuf>,
    /// Whether names of tools and prompts begin with their server's. Default: where two servers have the same.
    pub prefix: Prefix,
    /// What becomes of a list if one server does not answer. Default: it is left out.
    pub partial: Partial,
    /// How long a server may take to start, and to answer what the bridge itself asks. Default 30 s.
    pub start_timeout_ms: u64,
    /// How long a call waits for its client's input. Default 5 min.
    pub input_timeout_ms: u64,
    /// Calls that may wait for input at once. Default 1,000.
    pub max_waiting: usize,
    /// How long a call goes on when its gateway has died, and its end is kept for the next one: longer than a gateway takes to
    /// find another one dead. Default 1 min.
    pub remember_ms: u64,
    /// The largest message of a server. Default 16 MiB.
    pub max_message_bytes: usize,
    /// The servers.
    pub servers: Vec<Server>,
}

/// Which names begin with their server's: `SERVER__NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Prefix {
    /// All.
    Always,
    /// None. Of two servers with the same name the first has it.
    Never,
    /// Those that two servers have.
    Conditional,
}

/// What becomes of a list if a server does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Partial {
    /// The others' part of it is the answer.
    Tolerate,
    /// It is an error.
    Fail,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "mcp".to_owned(),
            listen: "127.0.0.1:0".to_owned(),
            registry: Vec::new(),
            advertise: None,
            registry_token_file: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            client_ca_file: None,
            prefix: Prefix::Conditional,
            partial: Partial::Tolerate,
            start_timeout_ms: 30_000,
            input_timeout_ms: 300_000,
            max_waiting: 1_000,
            remember_ms: 60_000,
            max_message_bytes: 16 << 20,
            servers: Vec::new(),
        }
    }
}

impl Settings {
    /// Adds a server. One of the same name that is there already makes it be called by a number too.
    pub fn add(&mut self, mut server: Server) {
        let plain = server.name.clone();
        let mut number = 2;
        while self.servers.iter().any(|known| known.name == server.name) {
            server.name = format!("{}-{number}", names::fitting(&plain, 28));
            number += 1;
        }
        self.servers.push(server);
    }

    /// What a type alone cannot say.
    ///
    /// # Errors
    /// The key, its value, and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, String, String)> {
        let wrong = |key, value: &dyn ToString, right: &str| Err((key, value.to_string(), right.to_owned()));
        let is_backend = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(is_backend) {
            return wrong("name", &self.name, "1 to 64 of a-z, 0-9 and -");
        }
        if !(1..=600_000).contains(&self.start_timeout_ms) {
            return wrong("start_timeout_ms", &self.start_timeout_ms, "1 to 600000");
        }
        if !(1..=3_600_000).contains(&self.input_timeout_ms) {
            return wrong("input_timeout_ms", &self.input_timeout_ms, "1 to 3600000");
        }
        if !(1..=1_000_000).contains(&self.max_waiting) {
            return wrong("max_waiting", &self.max_waiting, "1 to 1000000");
        }
        if !(1..=3_600_000).contains(&self.remember_ms) {
            return wrong("remember_ms", &self.remember_ms, "1 to 3600000");
        }
        if !(1 << 10..=1 << 30).contains(&self.max_message_bytes) {
            return wrong("max_message_bytes", &self.max_message_bytes, "1024 to 1073741824 bytes");
        }
        for (at, server) in self.servers.iter().enumerate() {
            if !names::is_server(&server.name) {
                let right = "as each server's name 1 to 32 of A-Z, a-z, 0-9, . and -, and single _";
                return wrong("servers", &format!("[{{name: {:?}}}]", server.name), right);
            }
            if self.servers[..at].iter().any(|earlier| earlier.name == server.name) {
                return wrong("servers", &format!("[{{name: {}}}]", server.name), "one server of each name");
            }
            if let Err(right) = server.check() {
                return wrong("servers", &format!("[{{name: {}}}]", server.name), &right);
            }
        }
        Ok(())
    }
}
