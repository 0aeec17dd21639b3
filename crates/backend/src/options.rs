//! How a backend is served: addresses and bounds. Plain data with defaults.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use transport::{ClientFiles, ClientTls, ServerFiles, ServerTls, TlsError};

use crate::Error;

/// Where and how to serve. Take [`Serve::default`] and set what differs.
#[derive(Clone, Debug)]
pub struct Serve {
    /// `host:port` to listen on; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: String,
    /// Gateways at which to stay registered, as `http://host:port` or `https://host:port`. Default none: the
    /// gateway's config lists the backend instead.
    pub register_at: Vec<String>,
    /// A file with the token by which the gateways know the backend, sent when it registers and publishes. Read
    /// again each time that it registers. Default none.
    pub registry_token_file: Option<PathBuf>,
    /// TLS towards gateways and at the backend's own port. Default none.
    pub tls: Tls,
    /// The address that gateways shall dial, as `host:port`, `http://host:port` or `https://host:port`. Default:
    /// the bound address, with `https` where there is a certificate. A
    /// host of `0.0.0.0` or `[::]` stands for the address that the gateway sees the registration come from.
    pub advertise: Option<String>,
    /// The largest gRPC message in bytes, in and out. A larger result is answered with
    /// [`TooLarge`](crate::ErrorCode::TooLarge). 64 KiB to 1 GiB; default 64 MiB.
    pub max_message_size: usize,
    /// Calls that may run at once on one `Calls` stream; more are answered with
    /// [`BackendUnavailable`](crate::ErrorCode::BackendUnavailable). 1 to 1,000,000; default 10,000.
    pub max_running_calls: usize,
    /// gRPC streams that may be open at once on one connection. Default 1,024.
    pub max_streams: u32,
    /// Connections that may be open at once; more wait to be accepted. Default 1,024.
    pub max_connections: usize,
    /// How long publishing an event may take, over all attempts at all gateways of `register_at`. 1 ms to
    /// 1 hour; default 10 s.
    pub publish_timeout: Duration,
    /// How long [`Running::shutdown`](crate::Running::shutdown) waits for running calls. Default 30 s.
    pub drain_timeout: Duration,
}

/// TLS of a backend, by files that are PEM. They are read again for each connection, so they may be renewed while the
/// backend runs.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The authorities of gateways that are registered at by `https`. Default: those of the system.
    pub ca_file: Option<PathBuf>,
    /// The backend's certificate, and behind it those of its issuers. It is shown to gateways that ask for one, and
    /// with it the backend's own port speaks TLS.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// The authorities of the certificates that whoever connects to the backend's port has to show. Default none:
    /// nobody is asked for one.
    pub client_ca_file: Option<PathBuf>,
}

impl Tls {
    pub(crate) fn client(&self) -> Result<Arc<ClientTls>, TlsError> {
        let files = ClientFiles {
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            server_name: None,
        };
        ClientTls::new(files).map(Arc::new)
    }

    pub(crate) fn server(&self) -> Result<Option<Arc<ServerTls>>, TlsError> {
        let Some((cert_file, key_file)) = self.cert_file.clone().zip(self.key_file.clone()) else {
            return Ok(None);
        };
        let files = ServerFiles { cert_file, key_file, client_ca_file: self.client_ca_file.clone() };
        Ok(Some(Arc::new(ServerTls::new(files)?)))
    }
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            register_at: Vec::new(),
            registry_token_file: None,
            tls: Tls::default(),
            advertise: None,
            max_message_size: 64 << 20,
            max_running_calls: 10_000,
            max_streams: 1_024,
            max_connections: 1_024,
            publish_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl Serve {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(64 << 10..=1 << 30).contains(&self.max_message_size) {
            return Err(Error::Option { option: "max_message_size", reason: "use 64 KiB to 1 GiB" });
        }
        if !(1..=1_000_000).contains(&self.max_running_calls) {
            return Err(Error::Option { option: "max_running_calls", reason: "use 1 to 1,000,000" });
        }
        if self.max_streams == 0 {
            return Err(Error::Option { option: "max_streams", reason: "use 1 or more" });
        }
        if !(1..=1_000_000).contains(&self.max_connections) {
            return Err(Error::Option { option: "max_connections", reason: "use 1 to 1,000,000" });
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(3_600)).contains(&self.publish_timeout) {
            return Err(Error::Option { option: "publish_timeout", reason: "use 1 ms to 1 hour" });
        }
        if self.advertise.as_deref() == Some("") {
            return Err(Error::Option { option: "advertise", reason: "use host:port, or leave it out" });
        }
        if self.tls.client_ca_file.is_some() && self.tls.cert_file.is_none() {
            let reason = "set cert_file and key_file too, without which the port speaks no TLS";
            return Err(Error::Option { option: "tls.client_ca_file", reason });
        }
        Ok(())
    }
}
