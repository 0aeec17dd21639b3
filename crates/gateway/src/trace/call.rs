//! A call to a backend as spans: which replica it was given to, and what came of it.

use super::{is_told, name_of};
use crate::pod::Pod;
use metrics::trace::{Kind, Open, Span};
use protocol::Replica;
use router::{CallKey, Event, Failure, Handler, Router};
use std::sync::Arc;
use std::time::Instant;

/// A call under way.
#[derive(Clone, Debug)]
pub(crate) struct CallSpan {
    open: Open,
    /// Who has it; none before it is sent, and where nobody is to be told.
    replica: Option<Arc<Replica>>,
}

impl CallSpan {
    /// A call for this message, or request.
    pub(crate) fn of(message: &Open) -> Self {
        Self { open: message.part(), replica: None }
    }

    /// The message's span, as its parts know it.
    pub(crate) fn message(&self) -> Option<Open> {
        self.open.whole()
    }

    /// What the backend is told of the trace.
    pub(crate) fn traceparent(&self) -> String {
        self.open.context().traceparent().as_str().to_owned()
    }

    /// The call is sent now. What finds a replica for it is a span of its own.
    pub(crate) fn send(
        span: &mut Option<Self>,
        handler: &Handler,
        pod: &Pod,
        router: &Router,
        start: impl FnOnce() -> Result<CallKey, Failure>,
    ) -> Result<CallKey, Failure> {
        let Some(span) = span else { return start() };
        let route = span.message().filter(Open::is_sampled).map(|message| message.part());
        let started = start();
        span.open = span.open.since(Instant::now());
        let Some(route) = route else { return started };
        let told = Span::new(route, Kind::Internal, "route")
            .text("mcpw.handler", handler.name.to_string())
            .text("mcpw.backend", handler.backend.to_string());
        pod.tracer.tell(match &started {
            Ok(key) => {
                span.replica = router.replica_of(*key);
                told
            }
            Err(failure) => told.failed(name_of(failure.code)),
        });
        started
    }

    /// The call has ended; `None` if nobody waits for how.
    pub(crate) fn end(self, handler: &Handler, pod: &Pod, end: Option<&Event>) {
        let code = match end {
            Some(Event::Failed(failure)) => Some(failure.code),
            _ => None,
        };
        if !is_told(&self.open, code) {
            return;
        }
        let mut span = Span::new(self.open, Kind::Client, "mcpw.v1.Backend/Calls")
            .text("rpc.system", "grpc")
            .text("rpc.service", "mcpw.v1.Backend")
            .text("rpc.method", "Calls")
            .text("mcpw.handler", handler.name.to_string())
            .text("mcpw.backend", handler.backend.to_string());
        if let Some(replica) = self.replica {
            let address =
                replica.address.rsplit_once("://").map_or(&*replica.address, |(_, address)| address);
            if let Some((host, port)) = address.rsplit_once(':') {
                span = span.text("server.address", host.to_owned());
                if let Ok(port) = port.parse::<u16>() {
                    span = span.number("server.port", port);
                }
            }
            span = span.text("mcpw.instance", replica.instance.clone());
        }
        pod.tracer.tell(match (code, end) {
            (Some(code), _) => span.failed(name_of(code)),
            (None, None) => span.failed("cancelled"),
            (None, Some(_)) => span,
        });
    }
}
