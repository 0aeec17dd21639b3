//! Whether a backend lives, as the control plane asks it. It knows no call and no table.
use std::time::Duration;

use futures_util::stream::{self, Stream};
use protocol::pb;
use tonic::transport::Channel;
use tonic::{Code, Request, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::describe::ask;
use crate::dial::{Dialer, dial, ping_interval, status_text};
use crate::random::{Backoff, Random};
use crate::{Error, address};

/// A change in what is known of a backend.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// It answers, serves, and describes itself so. Said again when the description changes.
    Up(pb::Description),
    /// It does not; the reason is for operators. Said once until it is up again.
    Down(String),
}

/// Watches one backend for as long as the stream is polled: dials, asks Describe, holds
/// grpc.health.v1 Watch for the service "" (or, where that is not served, asks Describe again every
/// [`Options::describe_ms`](crate::Options::describe_ms)), and dials again with backoff after a loss. Never ends.
///
/// # Cancel safety
/// Dropping the stream, or a future of its next item, loses no more than a dial in progress.
pub fn watch(address: String, dialer: Dialer) -> impl Stream<Item = Health> + Send + 'static {
    let watcher = Watcher {
        normal: address::normalise(&address),
        backoff: Backoff::new(dialer.options.reconnect_ms, dialer.options.reconnect_max_ms),
        dialer,
        random: Random::new(),
        known: Known::Nothing,
        phase: Phase::Dial { pause: Duration::ZERO },
    };
    stream::unfold(watcher, |mut watcher| async move { Some((watcher.next().await, watcher)) })
}

struct Watcher {
    normal: Result<String, Error>,
    dialer: Dialer,
    backoff: Backoff,
    random: Random,
    known: Known,
    phase: Phase,
}

/// What was said last.
enum Known {
    Nothing,
    Up(pb::Description),
    /// With the reason that was told last.
    Down(String),
}

/// A description while it serves, nothing while it says that it does not, an error once it is lost.
type Seen = Result<Option<pb::Description>, String>;

enum Phase {
    Dial { pause: Duration },
    Watch { channel: Channel, health: Box<Streaming<HealthCheckResponse>> },
    Poll { channel: Channel },
}

impl Watcher {
    /// The next thing worth saying.
    async fn next(&mut self) -> Health {
        loop {
            let said = match self.step().await {
                Ok(Some(description)) => self.up(description),
                Ok(None) => self.down("it says that it does not serve".to_owned()),
                Err(reason) => self.down(reason),
            };
            if let Some(health) = said {
                return health;
            }
        }
    }

    fn up(&mut self, description: pb::Description) -> Option<Health> {
        self.backoff.reset();
        if matches!(&self.known, Known::Up(known) if *known == description) {
            return None;
        }
        self.known = Known::Up(description.clone());
        Some(Health::Up(description))
    }

    fn down(&mut self, reason: String) -> Option<Health> {
        match std::mem::replace(&mut self.known, Known::Down(reason.clone())) {
            Known::Down(told) => {
                if told != reason {
                    tracing::warn!(reason, "a backend is still down, and for another reason");
                }
                None
            }
            _ => Some(Health::Down(reason)),
        }
    }

    /// Waits for one thing to happen. An error ends the connection.
    async fn step(&mut self) -> Seen {
        let outcome = match &mut self.phase {
            Phase::Dial { pause } => {
                tokio::time::sleep(*pause).await;
                self.open().await
            }
            Phase::Watch { channel, health } => match health.message().await {
                Ok(Some(answer)) if is_serving(&answer) => {
                    let channel = channel.clone();
                    self.described(&channel).await.map(Some)
                }
                // The connection is good; the backend will say when it serves again.
                Ok(Some(_)) => Ok(None),
                Ok(None) => Err("it ended the health watch".to_owned()),
                Err(status) => Err(status_text(&status)),
            },
            Phase::Poll { channel } => {
                tokio::time::sleep(Duration::from_millis(self.dialer.options.describe_ms)).await;
                let channel = channel.clone();
                self.described(&channel).await.map(Some)
            }
        };
        if outcome.is_err() {
            self.phase = Phase::Dial { pause: self.backoff.pause(&mut self.random) };
        }
        outcome
    }

    async fn open(&mut self) -> Seen {
        let address = self.normal.as_ref().map_err(ToString::to_string)?;
        let told = |error: Error| error.to_string();
        let mut channel = dial(address, &self.dialer, None).await.map_err(told)?;
        let description = self.described(&channel).await?;
        // Only now is it known whether it takes pings.
        if let Some(pings) = ping_interval(&description, &self.dialer.options) {
            channel = dial(address, &self.dialer, Some(pings)).await.map_err(told)?;
        }
        let request = Request::new(HealthCheckRequest { service: String::new() });
        let mut client = HealthClient::new(channel.clone());
        let timeout = self.dialer.options.connect_timeout();
        let first = async {
            let mut health = client.watch(request).await?.into_inner();
            let first = health.message().await?;
            Ok((health, first))
        };
        match tokio::time::timeout(timeout, first).await {
            Ok(Ok((health, Some(answer)))) if answer.status() != ServingStatus::ServiceUnknown => {
                let serves = is_serving(&answer);
                self.phase = Phase::Watch { channel, health: Box::new(health) };
                Ok(serves.then_some(description))
            }
            Ok(Ok(_)) => {
                self.phase = Phase::Poll { channel };
                Ok(Some(description))
            }
            Ok(Err(status)) => match tonic::Status::code(&status) {
                Code::Unimplemented => {
                    self.phase = Phase::Poll { channel };
                    Ok(Some(description))
                }
                _ => Err(status_text(&status)),
            },
            Err(_) => Err(format!("no answer to the health check within {} ms", timeout.as_millis())),
        }
    }

    async fn described(&self, channel: &Channel) -> Result<pb::Description, String> {
        let address = self.normal.as_ref().map_err(ToString::to_string)?;
        let described = ask(channel, address, self.dialer.options.connect_timeout()).await;
        described.map_err(|error| error.to_string())
    }
}

fn is_serving(answer: &HealthCheckResponse) -> bool {
    answer.status() == ServingStatus::Serving
}
