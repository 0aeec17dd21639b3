//! The gRPC service of the contract, as tonic wants it.
use std::sync::Arc;

use arc_swap::ArcSwap;
use protocol::pb::{self, CallRequest, DescribeRequest, Description};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::events::{Events, events};
use crate::execution::execute;
use crate::handlers::Handlers;
use crate::memory::{self, Memory};
use crate::multiplex::Multiplex;
use crate::outbox::Outbox;
use crate::{Call, Publisher, tasks};

/// What every stream of a backend needs.
pub(crate) struct Shared {
    /// Replaced as a whole.
    pub(crate) handlers: ArcSwap<Handlers>,
    pub(crate) publisher: Publisher,
    pub(crate) max_message_size: usize,
    pub(crate) max_running_calls: u32,
    /// Of calls that outlive their streams, if they do.
    pub(crate) memory: Option<Memory>,
    /// Fires when no new calls are to be taken.
    pub(crate) drain: CancellationToken,
}

pub(crate) struct Service(pub(crate) Arc<Shared>);

#[tonic::async_trait]
impl pb::backend_server::Backend for Service {
    type CallStream = Events;
    type CallsStream = Events;

    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<Description>, Status> {
        Ok(Response::new(self.0.handlers.load().description.clone()))
    }

    async fn call(&self, request: Request<CallRequest>) -> Result<Response<Events>, Status> {
        let request = request.into_inner();
        if request.cancel {
            return Err(Status::invalid_argument("cancel is for Calls; here, drop the stream"));
        }
        if self.0.drain.is_cancelled() {
            return Err(Status::unavailable("this replica is shutting down; another one can take the call"));
        }
        let (events, outgoing, gone) = events(true);
        let run = match request.join {
            true => Err(memory::unknown()),
            false => self.0.handlers.load().find(&request),
        };
        let outbox = Outbox::new(request.call_id, outgoing, self.0.max_message_size);
        let call = Call::new(request, gone, outbox, self.0.publisher.clone());
        tasks::spawn(async move {
            let result = match run {
                Ok(run) => execute(run, &call).await,
                Err(failure) => Err(failure),
            };
            call.outbox().end(result).await;
        });
        Ok(Response::new(events))
    }

    async fn calls(&self, requests: Request<Streaming<CallRequest>>) -> Result<Response<Events>, Status> {
        let (events, outgoing, gone) = events(false);
        let multiplex = Multiplex::new(self.0.clone(), outgoing);
        tasks::spawn(multiplex.run(requests.into_inner(), gone));
        Ok(Response::new(events))
    }
}
