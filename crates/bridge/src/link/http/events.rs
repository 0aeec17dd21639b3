//! Answers as streams of events, none of which is larger than a message may be.
use super::innermost;
use futures_util::{Stream, StreamExt as _};
use hyper::body::Bytes;
use sse_stream::{Sse, SseByteStream};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The events of these bytes. One whose data is longer than `longest` is an error, as soon as far more than that has come.
pub(super) fn events<E>(
    bytes: impl Stream<Item = Result<Bytes, E>>,
    longest: usize,
) -> impl Stream<Item = Result<Sse, String>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let too_long = move || format!("it sent a message of more than {longest} bytes");
    // What has come since the last event, in whole pieces. With what stands around its data, one has less than twice as much.
    let unread = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&unread);
    let bytes = bytes.map(move |bytes| {
        let bytes = bytes.map_err(io::Error::other)?;
        let before = counted.fetch_add(bytes.len(), Relaxed);
        if before > longest.saturating_mul(2) { Err(io::Error::other(too_long())) } else { Ok(bytes) }
    });
    SseByteStream::new(bytes).map(move |event| {
        unread.store(0, Relaxed);
        let event = event.map_err(|error| innermost(&error))?;
        let is_too_long = event.data.as_ref().is_some_and(|data| data.len() > longest);
        if is_too_long { Err(too_long()) } else { Ok(event) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::convert::Infallible;

    #[tokio::test]
    async fn an_event_that_does_not_end_is_refused() {
        let piece = |text: &'static str| Ok::<_, Infallible>(Bytes::from_static(text.as_bytes()));
        let long = stream::iter(["data: 12345\n\n", "data: 123456\n\n"].map(piece));
        let long: Vec<_> = events(long, 5).collect().await;
        assert_eq!(long[0].as_ref().expect("it fits").data.as_deref(), Some("12345"));
        assert_eq!(long[1].as_ref().expect_err("it does not"), "it sent a message of more than 5 bytes");
        let endless =
            stream::iter(["data: 1\n\n", "data: "].map(piece)).chain(stream::repeat_with(|| piece("1")));
        let mut endless = std::pin::pin!(events(endless, 5));
        endless.next().await.expect("an event").expect("it fits");
        assert!(endless.next().await.expect("an end").expect_err("it does not").contains("more than 5"));
    }
}
