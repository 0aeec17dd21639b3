//! One request as a caller puts it, before it has an id. Does not know in which format it will travel.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::Error;

/// A request with more to say than method and params; sent by [`Client::start`](crate::Client::start).
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: String,
    /// JSON, or empty for none.
    pub(crate) params: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) traceparent: Option<String>,
}

impl Request {
    /// A request of `method` with `params`; params that serialize to `null`, such as `()`, are left out.
    ///
    /// # Errors
    /// [`Error::Unsendable`] if the params cannot be written as JSON.
    pub fn new(method: impl Into<String>, params: impl Serialize) -> Result<Self, Error> {
        let params: Box<RawValue> =
            serde_json::value::to_raw_value(&params).map_err(|error| Error::Unsendable(error.to_string()))?;
        let params =
            if params.get() == "null" { String::new() } else { String::from(Box::<str>::from(params)) };
        Ok(Self { method: method.into(), params, timeout: None, traceparent: None })
    }

    /// How long the caller waits; no bound by default. The gateway is told, in whole milliseconds and at least one,
    /// and answers with error 4007 at that time. If it does not, the call ends with [`Error::Timeout`] a second later.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The W3C trace context that the call belongs to; none by default.
    #[must_use]
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }
}
