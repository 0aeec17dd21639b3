//! What the gateway tells of its work as spans, by the names of OpenTelemetry's conventions. Of a message it knows the method
//! and how it ended, never what it holds.

mod call;
mod connection;
mod request;

pub(crate) use call::CallSpan;
pub(crate) use connection::Upgrade;
pub(crate) use request::{request, tell_brought, tell_request};

use metrics::trace::{Context, Kind, Open, Scope, Span, Tracer};
use protocol::{ErrorCode, Meta, MethodName};
use std::borrow::Cow;
use std::fmt::Display;

/// What is told of a message whose method is a client's own word.
const CUSTOM: &str = "custom";

/// Whether an error is of the gateway's or a backend's making: it is told though nothing else of its trace is.
pub(crate) const fn is_grave(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Internal
            | ErrorCode::OutcomeUnknown
            | ErrorCode::DeadlineExceeded
            | ErrorCode::BackendUnavailable
    )
}

/// Whether a span that ends like this is told.
fn is_told(open: &Open, code: Option<ErrorCode>) -> bool {
    open.is_sampled() || code.is_some_and(is_grave)
}

/// How an error is called in a span.
fn name_of(code: ErrorCode) -> Cow<'static, str> {
    code.as_u16().to_string().into()
}

/// What a method is called in spans: a backend's are no client's invention only once they are found.
pub(crate) const fn method_name(method: Option<&MethodName<'_>>) -> &'static str {
    match method {
        Some(MethodName::Known(method)) => method.name(),
        _ => CUSTOM,
    }
}

/// A message was answered, or taken without an answer.
pub(crate) fn tell_message(
    tracer: &Tracer,
    open: Open,
    method: impl Into<Cow<'static, str>>,
    connection: u64,
    code: Option<ErrorCode>,
) {
    if !is_told(&open, code) {
        return;
    }
    let method = method.into();
    let span = Span::new(open, Kind::Server, method.clone())
        .text("rpc.system", "mcpw")
        .text("rpc.method", method)
        .text("network.protocol.name", "websocket")
        .number("mcpw.connection", connection);
    tracer.tell(match code {
        Some(code) => span.failed(name_of(code)),
        None => span,
    });
}

/// What a backend is told of the trace: of the call's span, or where nothing is traced what the client has said.
pub(crate) fn carried<'a>(call: Option<&CallSpan>, meta: &'a Meta<'_>) -> (Cow<'a, str>, &'a str) {
    let said = meta.traceparent.as_deref().unwrap_or("");
    let state = meta.tracestate.as_deref().unwrap_or("");
    match call {
        None => (said.into(), state),
        // The state goes with the parent, and only with one that is a parent.
        Some(call) => (call.traceparent().into(), if Context::parse(said).is_some() { state } else { "" }),
    }
}

/// Does a part of a span that is told only if that is sampled.
pub(crate) async fn part<T, E: Display>(
    tracer: &Tracer,
    of: Option<Open>,
    name: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(open) = of.filter(Open::is_sampled).map(|of| of.part()) else { return work.await };
    let done = Scope::new(tracer, &open, work).await;
    tell_part(tracer, open, name, done.is_err());
    done
}

/// The same for work that is done at once.
pub(crate) fn step<T, E>(
    tracer: &Tracer,
    of: Option<Open>,
    name: &'static str,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let Some(open) = of.filter(Open::is_sampled).map(|of| of.part()) else { return work() };
    let done = work();
    tell_part(tracer, open, name, done.is_err());
    done
}

fn tell_part(tracer: &Tracer, open: Open, name: &'static str, is_refused: bool) {
    let span = Span::new(open, Kind::Internal, name);
    tracer.tell(if is_refused { span.failed("refused") } else { span });
}
