//! How a connection to a backend is opened: TLS and the HTTP/2 settings, once for both planes.
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use protocol::pb;
use tonic::transport::{Channel, Endpoint};
use transport::{ClientTls, Connector, TlsError};

use crate::{Error, Options};

/// After so much silence the kernel asks whether the host is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// The largest list of headers or trailers that a backend may send. Its messages are long, and its headers never.
const MAX_HEADERS: u32 = 64 << 10;

/// Opens connections to backends: the options, and what TLS is made with. Cheap to clone; clones share both.
#[derive(Clone, Debug, Default)]
pub struct Dialer {
    pub(crate) options: Arc<Options>,
    tls: Arc<ClientTls>,
}

impl Dialer {
    /// One with these options. The files of [`Options::tls`] are read now, and again for each connection.
    ///
    /// # Errors
    /// What is wrong with a file, or that they don't go together.
    pub fn new(options: Options) -> Result<Self, TlsError> {
        let tls = Arc::new(ClientTls::new(options.tls.clone())?);
        Ok(Self { options: Arc::new(options), tls })
    }
}

/// How often this backend is pinged: as configured, but never more often than it takes.
pub(crate) fn ping_interval(description: &pb::Description, options: &Options) -> Option<Duration> {
    let most = u64::from(description.ping_interval_ms);
    (most > 0).then(|| Duration::from_millis(most.max(options.keepalive_ms)))
}

/// Dials an address in its normal form.
pub(crate) async fn dial(
    address: &str,
    dialer: &Dialer,
    ping_interval: Option<Duration>,
) -> Result<Channel, Error> {
    let options = &dialer.options;
    let mut endpoint = Endpoint::from_shared(address.to_owned())
        .map_err(|_| Error::Address { address: address.to_owned(), reason: "is not a URI" })?
        .connect_timeout(options.connect_timeout())
        .tcp_nodelay(true)
        .initial_stream_window_size(options.window_bytes)
        .initial_connection_window_size(options.window_bytes)
        .http2_max_header_list_size(MAX_HEADERS)
        .tcp_keepalive(Some(TCP_KEEPALIVE));
    if let Some(interval) = ping_interval {
        endpoint = endpoint
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(Duration::from_millis(options.keepalive_timeout_ms))
            .keep_alive_while_idle(true);
    }
    // The endpoint's own limit covers TCP alone; a peer that accepts and is silent must not hold us.
    let connected = async {
        if address.starts_with("https:") {
            endpoint.connect_with_connector(Connector::new(Arc::clone(&dialer.tls))).await
        } else {
            endpoint.connect().await
        }
    };
    match tokio::time::timeout(options.connect_timeout(), connected).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(Error::Unreachable { address: address.to_owned(), reason: root_cause(&error) }),
        Err(_) => Err(Error::Unreachable {
            address: address.to_owned(),
            reason: format!("no connection within {} ms", options.connect_timeout_ms),
        }),
    }
}

/// The innermost message of an error: `connection refused` rather than `transport error`.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// What a status says, transport errors by their innermost cause.
pub(crate) fn status_text(status: &tonic::Status) -> String {
    match status.source() {
        Some(source) => root_cause(source),
        None if status.message().is_empty() => status.code().to_string(),
        None => status.message().chars().take(500).collect(),
    }
}
