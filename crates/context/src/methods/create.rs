//! `context.create`: makes a context. The same request, sent again, makes no second one.
use std::sync::Arc;

use backend::Call;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Desk, given};
use crate::context::Context;
use crate::contexts::Contexts;
use crate::{Error, labels, time};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    #[serde(default, deserialize_with = "given")]
    content: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "given")]
    metadata: Option<Box<RawValue>>,
}

pub(super) async fn answer<C: Contexts>(
    desk: Arc<Desk<C>>,
    call: Call,
    params: Params,
) -> Result<Context, Error> {
    let content = params.content.ok_or_else(|| Error::invalid("content", "give a text or other JSON"))?;
    let metadata = params.metadata.map_or_else(|| RawValue::from_string("{}".to_owned()), Ok);
    let metadata = metadata.map_err(Error::failed)?;
    desk.bounds.check(&content, &metadata)?;
    let tenant = call.tenant();
    let key = (!call.idempotency_key().is_empty()).then(|| {
        // A client that uses an id twice makes two requests, unless they are the same.
        labels::request(tenant, call.idempotency_key(), &String::from_utf8_lossy(call.params()))
    });
    let context = Context::new(time::fresh_id(), call.agent(), content, metadata);
    let made = desk.contexts.create(tenant, context, key).await?;
    desk.written.notify_one();
    Ok(made)
}
