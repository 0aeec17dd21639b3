//! Events on their way to a gateway, and through another one if the first is away. Knows no call.
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::pb::PublishRequest;
use protocol::pb::events_client::EventsClient;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::registration::Gateway;
use crate::token::Token;
use crate::{Answer, Error};

/// Publishes events to tenants. Cheap to clone; see [`Running::publisher`](crate::Running::publisher).
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

/// Where an event stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its place in the tenant's log: one more than that of the event before it.
    pub offset: u64,
    /// Which life of the log the offset belongs to, 16 hex digits.
    pub log_epoch: String,
}

struct Inner {
    backend: String,
    gateways: Vec<(String, EventsClient<InterceptedService<Channel, Token>>)>,
    /// What they all are sent.
    token: Token,
    /// The gateway that has answered last, which is asked first.
    answering: AtomicUsize,
    within: Duration,
}

/// What makes two publishes one.
pub(crate) enum Key<'a> {
    /// Nothing: only the attempts at one publish are one.
    Fresh,
    /// The author's own text.
    Own(&'a str),
    /// The call's own key, and how many events of the same name it has published before.
    Call { call: &'a str, nth: u64 },
}

impl Publisher {
    pub(crate) fn new(backend: &str, gateways: &[Gateway], token: Token, within: Duration) -> Self {
        let clients = gateways.iter().map(|gateway| {
            let client = EventsClient::with_interceptor(gateway.channel(), gateway.token());
            (gateway.address().to_owned(), client)
        });
        Self(Arc::new(Inner {
            backend: backend.to_owned(),
            gateways: clients.collect(),
            token,
            answering: AtomicUsize::new(0),
            within,
        }))
    }

    /// Publishes an event to a tenant: whoever has subscribed to its name gets it. Published again with the same
    /// `key` within ten minutes, by this or another replica of the backend, it is published once. Without a key,
    /// each publish is another event. A gateway that is away is tried again, and the others too, for up to
    /// [`Serve::publish_timeout`](crate::Serve::publish_timeout).
    ///
    /// # Errors
    /// [`Error::EventUnconfirmed`] if no gateway has confirmed it in time, [`Error::EventRefused`] for a name that
    /// is not 1 to 128 bytes or the platform's own, for data that has no JSON form or is too large,
    /// [`Error::NoGateway`] without [`Serve::register_at`](crate::Serve::register_at).
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the event may or may not have been published. Publishing it again with the
    /// same key makes sure.
    pub async fn publish(
        &self,
        tenant: &str,
        name: &str,
        data: impl Answer,
        key: Option<&str>,
    ) -> Result<Published, Error> {
        self.send(tenant, name, data, key.map_or(Key::Fresh, Key::Own)).await
    }

    pub(crate) async fn send(
        &self,
        tenant: &str,
        name: &str,
        data: impl Answer,
        key: Key<'_>,
    ) -> Result<Published, Error> {
        let refused = |reason: &str| Error::EventRefused { name: name.to_owned(), reason: reason.to_owned() };
        let data =
            data.into_json().map_err(|failure| refused(failure.cause().unwrap_or(&failure.message)))?;
        self.0
            .deliver(PublishRequest {
                tenant: tenant.to_owned(),
                name: name.to_owned(),
                data,
                idempotency_key: key.on_the_wire(&self.0.backend, name),
            })
            .await
    }
}

impl Inner {
    async fn deliver(&self, request: PublishRequest) -> Result<Published, Error> {
        let deadline = Instant::now() + self.within;
        let mut backoff = Backoff::default();
        loop {
            let mut reason = String::new();
            let first = self.answering.load(Ordering::Relaxed);
            for turn in 0..self.gateways.len() {
                let place = (first + turn) % self.gateways.len();
                // One that hangs leaves time for another.
                let until = deadline.min(Instant::now() + self.within / 3);
                let (address, client) = &self.gateways[place];
                let mut client = client.clone();
                match timeout_at(until, client.publish(request.clone())).await {
                    Ok(Ok(response)) => {
                        self.answering.store(place, Ordering::Relaxed);
                        let response = response.into_inner();
                        return Ok(Published { offset: response.offset, log_epoch: response.log_epoch });
                    }
                    Ok(Err(status)) if is_refusal(&status) => {
                        let reason = status.message().to_owned();
                        return Err(Error::EventRefused { name: request.name, reason });
                    }
                    Ok(Err(status)) => {
                        if status.code() == Code::Unauthenticated {
                            // It may have been renewed since.
                            self.token.refresh().await;
                        }
                        reason = format!("{address}: {}", status.message());
                    }
                    Err(_) => reason = format!("{address} did not answer in time"),
                }
            }
            if reason.is_empty() {
                return Err(Error::NoGateway);
            }
            let next = Instant::now() + backoff.next();
            if next >= deadline {
                return Err(Error::EventUnconfirmed { name: request.name, reason });
            }
            sleep_until(next).await;
        }
    }
}

impl Key<'_> {
    /// Keys of a tenant are shared by all backends and have a bound; authors' and calls' keys know neither.
    fn on_the_wire(&self, backend: &str, name: &str) -> String {
        let text = match self {
            Key::Fresh => return Uuid::now_v7().simple().to_string(),
            Key::Own(key) => format!("{backend}\0own\0{key}"),
            Key::Call { call, nth } => format!("{backend}\0call\0{nth}\0{}\0{name}{call}", name.len()),
        };
        Sha256::digest(text).iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// Whether every gateway would say the same.
fn is_refusal(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::OutOfRange | Code::PermissionDenied)
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gateways: Vec<_> = self.0.gateways.iter().map(|(address, _)| address).collect();
        f.debug_struct("Publisher")
            .field("backend", &self.0.backend)
            .field("gateways", &gateways)
            .finish_non_exhaustive()
    }
}
