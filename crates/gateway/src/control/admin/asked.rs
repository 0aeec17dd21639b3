//! A request of an operator's: who asks, the name in its path, its query, and its body within bounds.

use super::access::Caller;
use super::answer::Refused;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Of a longer name of a parameter no more is told.
const NAME_LIMIT: usize = 64;
const BODY_LIMIT: usize = 4_096;
const PATIENCE: Duration = Duration::from_secs(10);

/// What a resource is asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) caller: Caller,
    /// What stands in its path for the `{id}` of the route; empty where there is none.
    pub(super) id: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Incoming,
}

impl Asked {
    /// The query as this form, in which no parameter stands that is not known.
    ///
    /// # Errors
    /// 400, with what is wrong.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let mut members = serde_json::Map::new();
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            let name: String = name.chars().take(NAME_LIMIT).collect();
            if members.insert(name.clone(), value.into_owned().into()).is_some() {
                return Err(Refused::wrong(format!("the query has {name:?} more than once")));
            }
        }
        T::deserialize(Value::Object(members)).map_err(|error| Refused::wrong(format!("the query: {error}")))
    }

    /// The body as JSON of this form.
    ///
    /// # Errors
    /// It is none, is too large, or does not come in time.
    pub(super) async fn json<T: DeserializeOwned>(body: Incoming) -> Result<T, Refused> {
        let whole = Self::whole(body).await?;
        serde_json::from_slice(&whole).map_err(|error| Refused::wrong(format!("no such request: {error}")))
    }

    async fn whole(body: Incoming) -> Result<Bytes, Refused> {
        match tokio::time::timeout(PATIENCE, Limited::new(body, BODY_LIMIT).collect()).await {
            Ok(Ok(whole)) => Ok(whole.to_bytes()),
            Ok(Err(error)) => {
                let limit = "it may have 4,096 bytes";
                Err(Refused::wrong(format!("the body can't be read: {error}; {limit}")))
            }
            Err(_) => {
                let reason = "the body did not come whole in time";
                Err(Refused::new(StatusCode::REQUEST_TIMEOUT, reason))
            }
        }
    }
}
