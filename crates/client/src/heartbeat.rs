//! Whether the peer is still there: counts bytes that come, asks when none do. Ends nothing itself.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::SetOnce;

use crate::Error;
use crate::shared::Shared;

/// The peer counts as gone after so many periods of silence, a ping unanswered in all but the first.
const SILENT_PERIODS: u32 = 3;

/// How much has come, and how often something should.
#[derive(Default)]
pub(crate) struct Pulse {
    received: AtomicU64,
    period: SetOnce<Duration>,
}

impl Pulse {
    /// From now on something has to come in each period.
    pub(crate) fn expect_every(&self, period: Duration) {
        // Only the first period counts: there is one `initialize` on a connection.
        let _ = self.period.set(period);
    }

    /// Waits until the peer counts as gone, for ever if no period was set, and says so.
    pub(crate) async fn lost(&self, shared: &Shared) -> Error {
        let period = *self.period.wait().await;
        let mut seen = self.received.load(Ordering::Relaxed);
        let mut silent = 0;
        while silent < SILENT_PERIODS {
            tokio::time::sleep(period).await;
            let received = self.received.load(Ordering::Relaxed);
            // While a subscription is full nothing is read, and what the peer says is not heard.
            if received == seen && !shared.events.is_full() {
                silent += 1;
                shared.control.ping();
            } else {
                silent = 0;
                seen = received;
            }
        }
        Error::abnormal(format!("nothing came from the gateway for {:?}", period * SILENT_PERIODS))
    }
}

/// A source of bytes that counts them, so that a long message counts as life before it is whole.
pub(crate) struct Listened<'a, R> {
    pub(crate) source: R,
    pub(crate) pulse: &'a Pulse,
}

impl<R: AsyncRead + Unpin> AsyncRead for Listened<'_, R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.source).poll_read(context, buffer));
        let came = buffer.filled().len() - before;
        self.pulse.received.fetch_add(came as u64, Ordering::Relaxed);
        Poll::Ready(result)
    }
}
