//! SIGTERM, SIGINT and SIGHUP.

use std::convert::Infallible;
use std::future::{Future, pending};
use tokio::signal::unix::{SignalKind, signal};

/// Done when the process is asked to end, from this call on, before the future is first polled. Where no
/// handler can be set, it never is, and the system's own answer to the signal holds.
pub(super) fn ended() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            return pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Acts at each SIGHUP, which from this call on no longer ends the process.
pub(super) fn at_hangup(mut act: impl FnMut()) -> impl Future<Output = Infallible> {
    let hangups = signal(SignalKind::hangup());
    async move {
        let Ok(mut hangups) = hangups else { return pending().await };
        while hangups.recv().await.is_some() {
            act();
        }
        pending().await
    }
}
