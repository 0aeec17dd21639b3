//! One call from its handler's start to its last event. Contains whatever the handler does.
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use futures_util::FutureExt;
use protocol::ErrorCode;
use tokio::time::sleep_until;

use crate::handlers::Run;
use crate::{Call, Failure};

/// Runs the handler until it ends, panics, is cancelled or its deadline passes. The handler's future is gone
/// when this returns.
pub(crate) async fn execute(run: Run, call: &Call) -> Result<Bytes, Failure> {
    let handler_call = call.clone();
    let mut handler = Box::pin(AssertUnwindSafe(async move { run(handler_call).await }).catch_unwind());
    let result = tokio::select! {
        biased;
        ended = &mut handler => match ended {
            Ok(result) => result,
            Err(panic) => {
                call.cancel_token().cancel();
                tracing::error!(method = call.method(), tool = call.tool(), panic = text(&*panic), "handler panicked");
                Err(Failure::new(ErrorCode::Internal, "the backend failed"))
            }
        },
        () = call.cancel_token().cancelled() => Err(Failure::new(ErrorCode::Cancelled, "the call was cancelled")),
        () = passed(call) => {
            call.cancel_token().cancel();
            Err(Failure::new(ErrorCode::DeadlineExceeded, "the call did not end before its deadline"))
        }
    };
    // Dropping runs the author's drop guards, which may panic as well.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(handler))) {
        tracing::error!(
            method = call.method(),
            tool = call.tool(),
            panic = text(&*panic),
            "drop of a handler panicked"
        );
    }
    if let Err(failure) = &result {
        let cause = failure.cause();
        match failure.code {
            ErrorCode::Internal => {
                tracing::error!(method = call.method(), tool = call.tool(), cause, "call failed");
            }
            code => {
                tracing::debug!(method = call.method(), tool = call.tool(), code = code.name(), "call failed")
            }
        }
    }
    result
}

async fn passed(call: &Call) {
    match call.deadline() {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not a text")
}
