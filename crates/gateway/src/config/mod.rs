//! Every setting of the gateway: plain data, read once before anything is bound. The file
//! deploy/config/mcpw.yaml shows each key with its default.

mod change;
mod effect;
mod environment;
mod lines;
mod listing;
mod load;
mod loaded;

pub use change::{Change, Waiting};
pub use effect::Effect;
pub use load::{ConfigError, Overrides, Sources, load};
pub use loaded::{Loaded, Shown, keys};

use crate::rest;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

mod admin;
mod limits;
mod mcp;
mod metrics;
mod port_tls;
mod registry;
mod tls;
mod word;

pub use admin::Admin;
pub use limits::{Limits, Rate};
pub use mcp::Mcp;
pub use metrics::Metrics;
pub use port_tls::PortTls;
pub use registry::{Proof, Registry};
pub use tls::{Certificate, Tls, TlsVersion};
pub use word::Demand;

settings! {
    /// The whole configuration.
    Config {
        /// Client connections.
        websocket: WebSocket = WebSocket::default(),
        /// TLS on their port.
        tls: Tls = Tls::default(),
        /// Compression of payloads, where a client asked for it.
        compression: Compression = Compression::default(),
        /// Tokens.
        auth: auth::Settings = auth::Settings::default(),
        /// Who may do what.
        authorization: auth::Authorization = auth::Authorization::default(),
        /// Calls to backends.
        router: router::Options = router::Options::default(),
        /// What outlives a connection.
        store: Store = Store::default(),
        /// Sessions that outlive their connection.
        session: Session = Session::default(),
        /// Events and their way to subscribers.
        events: Events = Events::default(),
        /// Who may come in, before it is known who it is.
        security: Security = Security::default(),
        /// How fast clients may ask.
        limits: Limits = Limits::default(),
        /// HTTP for those who can't hold a WebSocket.
        rest: Rest = Rest::default(),
        /// Model Context Protocol.
        mcp: Mcp = Mcp::default(),
        /// This process among others.
        pod: Pod = Pod::default(),
        /// The gRPC port at which backends register.
        registry: Registry = Registry::default(),
        /// Backends that do not register themselves, as `http://host:port` or `https://host:port`.
        backends: Vec<String> = Vec::new(),
        /// The context service, which is a process of its own.
        context: context::Settings = context::Settings::default(),
        /// The bridge to servers of Model Context Protocol, which is a process of its own.
        bridge: bridge::Settings = bridge::Settings::default(),
        /// The operators' port: metrics, health, and what operators do.
        admin: Admin = Admin::default(),
        /// What is counted.
        metrics: Metrics = Metrics::default(),
        /// What happens at SIGTERM.
        drain: Drain = Drain::default(),
        /// Threads.
        runtime: Runtime = Runtime::default(),
        /// Log lines.
        log: Log = Log::default(),
        /// The log of decisions over who may come in and do what.
        audit: Audit = Audit::default(),
        /// Traces, and the collector that takes them.
        traces: ::metrics::trace::Settings = ::metrics::trace::Settings::default(),
    }
}

settings! {
    /// Client connections. Sizes are in bytes, times in milliseconds.
    WebSocket {
        /// Where clients connect.
        listen: SocketAddr = ([0, 0, 0, 0], 8080).into(),
        /// The path of the endpoint.
        path: String = "/ws".to_owned(),
        /// A path at which every message is echoed as it came, without a token: for conformance
        /// tests alone.
        echo_path: Option<String> = None,
        /// Open connections of this pod; one more is answered with 503.
        max_connections: usize = 100_000,
        /// Open connections of one address at this pod, and of IPv6 of 64 bits of one; one more is answered with 429. 0: any.
        max_connections_per_ip: u32 = 0,
        /// Open connections of one agent of a tenant at this pod; one more is answered with 429. 0: any.
        max_connections_per_user: u32 = 0,
        /// Upgrades that this pod works on at a time; further sockets wait in the kernel's queue.
        max_handshakes: usize = 16_384,
        /// Connections of one address in a second; more are answered with 429, four times as many not at all. 0: any.
        max_handshakes_per_ip: u32 = 0,
        /// Of them so many at once.
        handshake_burst_per_ip: u32 = 20,
        /// From accept to the end of the upgrade.
        handshake_timeout_ms: u64 = 10_000,
        /// The request line and all headers together.
        max_header_bytes: usize = 16_384,
        /// Headers of an upgrade request.
        max_headers: usize = 64,
        /// One message, all its fragments together.
        max_message_size: usize = 1_048_576,
        /// One frame.
        max_frame_size: usize = 1_048_576,
        /// Fragments of one message, empty ones included.
        max_fragments: u32 = 1_024,
        /// From the first byte of a message to its last.
        message_timeout_ms: u64 = 30_000,
        /// Messages in one frame.
        message_batch_size: usize = 100,
        /// Nesting of arrays and objects in JSON.
        max_json_depth: usize = 64,
        /// Calls to backends that one connection may have running.
        max_in_flight: usize = 256,
        /// Silence after which the gateway sends a ping.
        ping_interval_ms: u64 = 30_000,
        /// Silence after such a ping, after which the connection is dropped.
        pong_timeout_ms: u64 = 10_000,
        /// Pings that a client may send in a second, on average over ten; more closes with 4429.
        max_pings_per_second: u32 = 100,
        /// How long unread output may make no progress before the connection is dropped.
        write_timeout_ms: u64 = 10_000,
        /// Unsent bytes above which the gateway stops reading from a connection.
        write_high_water: usize = 262_144,
        /// Unsent bytes above which a call that streams its result is ended with 4012.
        max_unsent: usize = 16_777_216,
        /// How long a closing connection may take to end.
        close_timeout_ms: u64 = 5_000,
    }
}

settings! {
    /// Compression of payloads.
    Compression {
        /// Whether clients may ask for it.
        enabled: bool = true,
        /// Payloads under this many bytes are sent as they are.
        threshold: usize = 1_024,
    }
}

settings! {
    /// What outlives a connection, and where it is kept.
    Store {
        /// `memory`: in this process alone. `redis`: shared by all pods.
        kind: StoreKind = StoreKind::Memory,
        /// How Redis is reached.
        redis: session_store::Settings = session_store::Settings::default(),
        /// How much is kept, and for how long.
        bounds: session_store::Bounds = session_store::Bounds::default(),
    }
}

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// In this process.
    Memory,
    /// In Redis.
    Redis,
}

settings! {
    /// Sessions that outlive their connection. Times are in milliseconds.
    Session {
        /// How long a session without a connection waits for its client.
        resume_window_ms: u64 = 120_000,
        /// Requests that a resume may name as unanswered.
        max_unanswered: usize = 1_024,
        /// How long after an answer the client is asked by a ping whether it has come.
        acknowledge_after_ms: u64 = 5_000,
        /// Answers that are not acknowledged, after which the client is asked at once.
        max_unacknowledged: usize = 256,
    }
}

settings! {
    /// Events and their way to subscribers. Sizes are in bytes.
    Events {
        /// Names and prefixes that one session may subscribe to.
        max_subscriptions: usize = 64,
        /// The newest events of one tenant that each shard keeps encoded; older ones are read from the store.
        shard_log_bytes: usize = 1_048_576,
        /// Unsent bytes of a connection above which its events wait in the log.
        max_unsent: usize = 16_384,
        /// Whether `tool.executed` and `tool.failed` are published for each call of a tool.
        tool_calls: bool = true,
    }
}

settings! {
    /// Who may come in, before it is known who it is, and how it is known that messages are theirs.
    Security {
        /// Pages from which browsers may come, beside those of the same host: as `https://app.example.com`, as
        /// `https://*.example.com`, `null`, or `*` for all.
        allowed_origins: Vec<String> = Vec::new(),
        /// The only names by which the gateway may be asked. None: any, but on loopback the machine's own.
        allowed_hosts: Vec<String> = Vec::new(),
        /// Networks of the proxies in front, whose word for whom they have come is believed.
        trusted_proxies: Vec<String> = Vec::new(),
        /// Whether these say so before anything else, in the header of the PROXY protocol.
        proxy_protocol: Demand = Demand::Off,
        /// Networks from which clients may come. None: from any.
        allowed_addresses: Vec<String> = Vec::new(),
        /// Networks from which nobody may, allowed or not.
        denied_addresses: Vec<String> = Vec::new(),
        /// A file with more of both, `allow NETWORK` or `deny NETWORK` in a line each; read again when it changes.
        addresses_file: Option<PathBuf> = None,
        /// Whether messages are signed, with a key that `initialize` hands out over TLS.
        hmac_signatures: Demand = Demand::Off,
        /// How wrong the clock of whoever signs may be, in milliseconds.
        signature_skew_ms: u64 = 30_000,
    }
}

settings! {
    /// HTTP for those who can't hold a WebSocket. Its other limits are those of `websocket`.
    Rest {
        /// How long a request for events may wait for the first one, in milliseconds.
        max_wait_ms: u64 = 60_000,
    }
}

settings! {
    /// This process among others.
    Pod {
        /// How long the pod counts as alive after its last sign of life, in milliseconds.
        lease_ms: u64 = 10_000,
    }
}

settings! {
    /// The way out.
    Drain {
        /// From unready to the closed listener, so that the load balancer has seen it; milliseconds.
        delay_ms: u64 = 2_000,
        /// How long a connection whose session goes on elsewhere may wait for its running calls; milliseconds.
        grace_ms: u64 = 10_000,
        /// Until calls that run are given up; milliseconds.
        timeout_ms: u64 = 30_000,
        /// Connections told to go a second.
        rate: u32 = 500,
    }
}

settings! {
    /// Threads.
    Runtime {
        /// Shards: threads that serve clients. 0 means one for each CPU that the process may use.
        shards: usize = 0,
        /// Whether each shard is pinned to a CPU of its own.
        pin: bool = true,
        /// How long a shard that serves calls looks for answers and for the next call before its thread sleeps, in microseconds, up to
        /// 10,000. It looks only while what it waits for comes within that time. Calls are answered sooner; a CPU is in use while they
        /// follow each other so closely, which misleads whatever scales by CPU. 0: it sleeps at once.
        busy_poll_us: u32 = 200,
    }
}

settings! {
    /// Log lines on standard error.
    Log {
        /// A level (error, warn, info, debug, trace), or a filter such as `gateway=debug,info`.
        level: String = "info".to_owned(),
        /// `json`, `human`, or `auto`: human on a terminal.
        format: LogFormat = LogFormat::Auto,
    }
}

settings! {
    /// The log of decisions over who may come in and do what.
    Audit {
        /// The file that it is appended to, or null for none.
        file: Option<PathBuf> = None,
        /// Whether the disk has to keep what was written before more is.
        sync: bool = false,
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Human,
    /// Human on a terminal, JSON elsewhere.
    Auto,
}

impl Config {
    /// What a type alone cannot say.
    ///
    /// # Errors
    /// Names the key, its value and what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        let w = &self.websocket;
        let at_least_one = [
            ("websocket.max_connections", w.max_connections as u64),
            ("websocket.max_handshakes", w.max_handshakes as u64),
            ("websocket.handshake_timeout_ms", w.handshake_timeout_ms),
            ("websocket.max_headers", w.max_headers as u64),
            ("websocket.max_fragments", u64::from(w.max_fragments)),
            ("websocket.message_timeout_ms", w.message_timeout_ms),
            ("websocket.message_batch_size", w.message_batch_size as u64),
            ("websocket.max_json_depth", w.max_json_depth as u64),
            ("websocket.max_in_flight", w.max_in_flight as u64),
            ("websocket.ping_interval_ms", w.ping_interval_ms),
            ("websocket.pong_timeout_ms", w.pong_timeout_ms),
            ("websocket.max_pings_per_second", u64::from(w.max_pings_per_second)),
            ("websocket.write_timeout_ms", w.write_timeout_ms),
            ("websocket.write_high_water", w.write_high_water as u64),
            ("websocket.close_timeout_ms", w.close_timeout_ms),
            ("session.resume_window_ms", self.session.resume_window_ms),
            ("session.acknowledge_after_ms", self.session.acknowledge_after_ms),
            ("session.max_unacknowledged", self.session.max_unacknowledged as u64),
            ("events.max_subscriptions", self.events.max_subscriptions as u64),
            ("events.max_unsent", self.events.max_unsent as u64),
            ("security.signature_skew_ms", self.security.signature_skew_ms),
            ("limits.flood", u64::from(self.limits.flood)),
            ("drain.rate", u64::from(self.drain.rate)),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                return Err(ConfigError::value(key, 0, "1 or more"));
            }
        }
        for (key, value) in [
            ("websocket.max_message_size", w.max_message_size),
            ("websocket.max_frame_size", w.max_frame_size),
        ] {
            if !(125..=1 << 30).contains(&value) {
                return Err(ConfigError::value(key, value, "125 to 1073741824 bytes"));
            }
        }
        // A request for events that waits for longer would outlive what proxies and clients wait for.
        if self.rest.max_wait_ms > 600_000 {
            return Err(ConfigError::value("rest.max_wait_ms", self.rest.max_wait_ms, "600000 or less"));
        }
        let busy_poll = self.runtime.busy_poll_us;
        if busy_poll > 10_000 {
            return Err(ConfigError::value("runtime.busy_poll_us", busy_poll, "10000 or less"));
        }
        if w.max_header_bytes < 1_024 {
            return Err(ConfigError::value(
                "websocket.max_header_bytes",
                w.max_header_bytes,
                "1024 bytes or more",
            ));
        }
        for (key, path) in [("websocket.path", Some(&w.path)), ("websocket.echo_path", w.echo_path.as_ref())]
        {
            if path.is_some_and(|path| !path.starts_with('/')) {
                return Err(ConfigError::value(
                    key,
                    path.map_or("", |path| path),
                    "a path that begins with /",
                ));
            }
            if let Some(path) = path.filter(|path| rest::is_own(path.as_bytes())) {
                let right = format!(
                    "a path that is not below {}, and neither {} nor below {},",
                    rest::ROOT,
                    rest::streamable::PATH,
                    rest::streamable::metadata::WELL_KNOWN
                );
                return Err(ConfigError::value(key, path, &right));
            }
        }
        if w.echo_path.as_ref() == Some(&w.path) {
            return Err(ConfigError::value(
                "websocket.echo_path",
                &w.path,
                "a path other than websocket.path",
            ));
        }
        if self.pod.lease_ms < 300 {
            return Err(ConfigError::value("pod.lease_ms", self.pod.lease_ms, "300 or more"));
        }
        self.registry.check()?;
        self.admin.check()?;
        self.traces.check().map_err(|error| ConfigError::Type(format!("traces.{error}")))?;
        self.metrics.check()?;
        self.mcp.check(&self.auth)?;
        crate::door::Door::new(self)?;
        let security = &self.security;
        if security.hmac_signatures == Demand::Required
            && !self.tls.is_on()
            && security.trusted_proxies.is_empty()
        {
            let right = "TLS, over which keys are handed out (tls.certificates, or a proxy of security.trusted_proxies that speaks it),";
            return Err(ConfigError::value("security.hmac_signatures", "required", right));
        }
        auth::Rules::new(&self.authorization).map_err(|error| ConfigError::Type(error.to_string()))?;
        self.tls.check()?;
        self.router.check().map_err(|(key, why)| ConfigError::Type(format!("router.{key} {why}")))?;
        self.context.check().map_err(|(key, value, right)| {
            ConfigError::Type(format!("context.{key} = {value}: {right} is needed"))
        })?;
        self.bridge
            .check()
            .map_err(|(key, value, right)| ConfigError::value(format!("bridge.{key}"), value, &right))?;
        for address in &self.backends {
            router::normalise(address)
                .map_err(|error| ConfigError::value("backends", address, &error.to_string()))?;
        }
        Ok(())
    }
}

/// Milliseconds of the configuration.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[cfg(test)]
mod tests;
