//! `context.get`: one context, whole.
use std::sync::Arc;

use backend::Call;
use serde::Deserialize;

use super::{Desk, id};
use crate::Error;
use crate::context::Context;
use crate::contexts::Contexts;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    id: String,
}

pub(super) async fn answer<C: Contexts>(
    desk: Arc<Desk<C>>,
    call: Call,
    params: Params,
) -> Result<Context, Error> {
    desk.contexts.read(call.tenant(), id(&params.id)?).await
}
