//! SIGTERM and SIGINT.

use tokio::signal::unix::{SignalKind, signal};

/// Done when the process is asked to end. Where no handler can be set, it never is, and the system's own
/// answer to the signal holds.
pub(super) async fn ended() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
