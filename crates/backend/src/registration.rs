//! Stays registered at one gateway for as long as the backend runs.
use std::sync::Arc;
use std::time::Duration;

use protocol::pb::registry_client::RegistryClient;
use protocol::pb::{Heartbeat, Hello, Registration, registration::Kind};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use transport::{ClientTls, Connector};

use crate::Error;
use crate::backoff::Backoff;
use crate::token::Token;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The gateway dials back and asks before it answers.
const LEASE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a gateway may take to end a registration that was given up.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(50);

pub(crate) struct Gateway {
    address: String,
    endpoint: Endpoint,
    /// Where the address is `https`.
    connector: Option<Connector>,
    token: Token,
}

/// How an attempt to be registered ended.
enum Outcome {
    /// The backend left.
    Left,
    /// It was registered, and is no longer.
    Lost(String),
    /// The gateway can't be reached.
    Unreachable(String),
    /// The gateway said no.
    Refused(String),
}

impl Gateway {
    pub(crate) fn parse(address: &str, tls: &Arc<ClientTls>, token: &Token) -> Result<Self, Error> {
        let invalid = || Error::GatewayAddress { address: address.to_owned() };
        let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let endpoint = Endpoint::from_shared(url).map_err(|_| invalid())?;
        let uri = endpoint.uri();
        let is_tls = uri.scheme_str() == Some("https");
        if !(is_tls || uri.scheme_str() == Some("http")) || uri.port().is_none() || uri.path() != "/" {
            return Err(invalid());
        }
        let connector = is_tls.then(|| Connector::new(Arc::clone(tls)));
        let endpoint = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        Ok(Self { address: address.to_owned(), endpoint, connector, token: token.clone() })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A connection beside that of the registration, made once it is needed and again when it was lost.
    pub(crate) fn channel(&self) -> Channel {
        match self.connector.clone() {
            Some(connector) => self.endpoint.connect_with_connector_lazy(connector),
            None => self.endpoint.connect_lazy(),
        }
    }

    /// What puts the backend's token on requests.
    pub(crate) fn token(&self) -> Token {
        self.token.clone()
    }

    /// Registers, again and again, until `leave` fires. `registered` tells whether a lease is held.
    pub(crate) async fn keep_registered(
        self,
        hello: Hello,
        registered: watch::Sender<bool>,
        leave: CancellationToken,
    ) {
        let mut backoff = Backoff::default();
        let gateway = &self.address;
        loop {
            let outcome = self.register(&hello, &registered, &leave).await;
            registered.send_replace(false);
            let wait = match outcome {
                Outcome::Left => return,
                Outcome::Lost(reason) => {
                    tracing::warn!(gateway, reason, "registration lost");
                    backoff.reset();
                    backoff.next()
                }
                Outcome::Unreachable(reason) => {
                    // A gateway that is away for long need not fill the log.
                    if backoff.attempts() == 0 {
                        tracing::warn!(gateway, reason, "cannot reach the gateway; trying on");
                    } else {
                        tracing::debug!(gateway, reason, "cannot reach the gateway; trying on");
                    }
                    backoff.next()
                }
                Outcome::Refused(reason) => {
                    tracing::error!(gateway, reason, "the gateway refused the registration");
                    backoff.after_refusal()
                }
            };
            tokio::select! {
                () = leave.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    }

    async fn register(
        &self,
        hello: &Hello,
        registered: &watch::Sender<bool>,
        leave: &CancellationToken,
    ) -> Outcome {
        tokio::select! {
            biased;
            () = leave.cancelled() => Outcome::Left,
            opened = timeout(LEASE_TIMEOUT, self.open(hello)) => match opened {
                Ok(Ok(lease)) => {
                    tracing::info!(gateway = self.address, lease = lease.id, "registered");
                    registered.send_replace(true);
                    lease.hold(leave).await
                }
                Ok(Err(outcome)) => outcome,
                Err(_) => Outcome::Unreachable("it did not answer in time".to_owned()),
            },
        }
    }

    async fn open(&self, hello: &Hello) -> Result<Lease, Outcome> {
        self.token.refresh().await;
        let connected = match self.connector.clone() {
            Some(connector) => self.endpoint.connect_with_connector(connector).await,
            None => self.endpoint.connect().await,
        };
        let channel = connected.map_err(|error| Outcome::Unreachable(reason(&error)))?;
        let (heartbeats, outgoing) = mpsc::channel(1);
        let hello = Registration { kind: Some(Kind::Hello(hello.clone())) };
        let requests = futures_util::StreamExt::chain(
            futures_util::stream::iter([hello]),
            ReceiverStream::new(outgoing),
        );
        let leases = RegistryClient::with_interceptor(channel, self.token())
            .register(requests)
            .await
            .map_err(Outcome::of)?;
        let mut leases = leases.into_inner();
        match leases.message().await {
            Ok(Some(first)) => Ok(Lease { id: first.lease_id, ttl: ttl(first.ttl_ms), heartbeats, leases }),
            Ok(None) => Err(Outcome::Unreachable("it ended the stream without a lease".to_owned())),
            Err(status) => Err(Outcome::of(status)),
        }
    }
}

/// A registration that the gateway has accepted.
struct Lease {
    id: String,
    ttl: Duration,
    heartbeats: mpsc::Sender<Registration>,
    leases: tonic::Streaming<protocol::pb::Lease>,
}

impl Lease {
    async fn hold(mut self, leave: &CancellationToken) -> Outcome {
        let mut beat = heartbeat(self.ttl);
        loop {
            tokio::select! {
                () = leave.cancelled() => {
                    drop(self.heartbeats);
                    let ended = async { while let Ok(Some(_)) = self.leases.message().await {} };
                    // Either it ended, or it will when the connection does.
                    let _ = timeout(LEAVE_TIMEOUT, ended).await;
                    return Outcome::Left;
                }
                lease = self.leases.message() => match lease {
                    Ok(Some(lease)) if ttl(lease.ttl_ms) != self.ttl => {
                        self.ttl = ttl(lease.ttl_ms);
                        beat = heartbeat(self.ttl);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return Outcome::Lost("the gateway ended it".to_owned()),
                    Err(status) => return match Outcome::of(status) {
                        Outcome::Unreachable(reason) => Outcome::Lost(reason),
                        other => other,
                    },
                },
                _ = beat.tick() => {
                    // If the one before still waits, the connection stalls, and HTTP/2's own keepalive decides.
                    let _ = self.heartbeats.try_send(Registration { kind: Some(Kind::Heartbeat(Heartbeat {})) });
                }
            }
        }
    }
}

impl Outcome {
    fn of(status: Status) -> Self {
        match status.code() {
            Code::InvalidArgument
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::ResourceExhausted
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::Unimplemented => Self::Refused(status.message().to_owned()),
            code => Self::Unreachable(format!("{code:?}: {}", status.message())),
        }
    }
}

fn ttl(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.into())
}

/// Three beats in each ttl; the first at once, harmless and early.
fn heartbeat(ttl: Duration) -> tokio::time::Interval {
    let mut beat = interval((ttl / 3).max(SHORTEST_HEARTBEAT));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

/// The innermost cause says most.
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
