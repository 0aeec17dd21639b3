//! How a backend is served: addresses and bounds. Plain data with defaults.
use std::time::Duration;

use crate::Error;

/// Where and how to serve. Take [`Serve::default`] and set what differs.
#[derive(Clone, Debug)]
pub struct Serve {
    /// `host:port` to listen on; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: String,
    /// Gateways at which to stay registered, as `http://host:port`. Default none: the gateway's config lists
    /// the backend instead.
    pub register_at: Vec<String>,
    /// The address that gateways shall dial, as `host:port` or `http://host:port`. Default: the bound address. A
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

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            register_at: Vec::new(),
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
        Ok(())
    }
}
