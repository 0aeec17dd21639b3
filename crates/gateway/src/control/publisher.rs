//! Where backends publish events: the gRPC service `mcpw.v1.Events`.

use super::Guard;
use super::guard::Admitted;
use crate::fanout::Filter;
use crate::platform;
use protocol::pb::{PublishRequest, PublishResponse, events_server};
use serde_json::value::RawValue;
use session_store::{Error, EventLog as _, NewEvent, Store};
use tonic::{Request, Response, Status};

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    store: Store,
    guard: Guard,
}

impl Publisher {
    pub(crate) const fn new(store: Store, guard: Guard) -> Self {
        Self { store, guard }
    }
}

#[tonic::async_trait]
impl events_server::Events for Publisher {
    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        let admitted = Admitted::of(&request)?;
        let PublishRequest { tenant, name, data, idempotency_key } = request.into_inner();
        if !(1..=128).contains(&tenant.len()) {
            return Err(Status::invalid_argument("tenant must have 1 to 128 bytes"));
        }
        if !Filter::is_name(&name) {
            return Err(Status::invalid_argument(
                "name must have 1 to 128 bytes, without * and control characters",
            ));
        }
        if platform::NAMES.contains(&&*name) {
            return Err(Status::permission_denied(format!("{name} is published by the platform alone")));
        }
        self.guard.check_event(&admitted, &name)?;
        let data = if data.is_empty() { &b"null"[..] } else { &data };
        if serde_json::from_slice::<&RawValue>(data).is_err() {
            return Err(Status::invalid_argument("data must be JSON text, or empty"));
        }
        if !idempotency_key.is_empty() && !platform::KEY.contains(&idempotency_key.len()) {
            return Err(Status::invalid_argument("idempotency_key must have up to 120 bytes"));
        }
        // Nobody's keys are another publisher's.
        let key = Some(format!("b:{idempotency_key}")).filter(|_| !idempotency_key.is_empty());
        match self.store.publish(&tenant, NewEvent { name: &name, data }, key.as_deref()).await {
            Ok(position) => Ok(Response::new(PublishResponse {
                offset: position.offset.0,
                log_epoch: position.epoch.to_string(),
            })),
            Err(error @ (Error::Name { .. } | Error::TooLarge { .. })) => {
                Err(Status::invalid_argument(error.to_string()))
            }
            Err(Error::OutOfMemory | Error::Full { .. }) => {
                Err(Status::resource_exhausted("the store is full; nothing was stored"))
            }
            Err(error) => {
                tracing::debug!(%error, "an event of a backend was not stored");
                Err(Status::unavailable(
                    "the store is out of reach; whether the event was stored is not known: publish it again with the \
                     same idempotency_key",
                ))
            }
        }
    }
}
