//! Answers: a whole body, or one that comes bit by bit.

use crate::limits::Seats;
use bytes::Bytes;
use futures_util::Stream;
use http_body_util::{Either, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

type Bits = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>>>>;

/// What is sent behind the head.
pub(super) struct Body {
    bits: Either<Full<Bytes>, StreamBody<Bits>>,
    /// What the request counts as until it is answered.
    _seats: Option<Box<Seats>>,
}

/// What a request is answered with.
pub(super) type Answer = Response<Body>;

impl Body {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { bits: Either::Left(Full::new(bytes.into())), _seats: None }
    }

    /// Keeps this until all is sent.
    pub(super) fn hold(&mut self, seats: Option<Box<Seats>>) {
        self._seats = seats;
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.bits).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.bits.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.bits.size_hint()
    }
}

/// JSON text as it is.
pub(super) fn json(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Body::whole(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A value as JSON.
pub(super) fn written(status: StatusCode, value: &impl Serialize) -> Answer {
    // Names, numbers and JSON text can always be written.
    json(status, serde_json::to_vec(value).unwrap_or_default())
}

/// A status that says it all.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::whole(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

/// Server-sent events, as they come.
pub(super) fn events(events: impl Stream<Item = Bytes> + 'static) -> Answer {
    use futures_util::StreamExt as _;
    let bits: Bits = Box::pin(events.map(|bytes| Ok(Frame::data(bytes))));
    let mut answer = Response::new(Body { bits: Either::Right(StreamBody::new(bits)), _seats: None });
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would else hold events back until it has a buffer full of them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    answer
}
