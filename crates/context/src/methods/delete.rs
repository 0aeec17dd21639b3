//! `context.delete`: deletes a context for good.
use std::sync::Arc;

use backend::Call;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Desk, id};
use crate::Error;
use crate::contexts::Contexts;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    id: String,
    expected_version: Option<i64>,
}

/// The context that is gone, and the version that it had.
#[derive(Debug, Serialize)]
pub(super) struct Deleted {
    id: Uuid,
    version: i64,
    deleted: bool,
}

pub(super) async fn answer<C: Contexts>(
    desk: Arc<Desk<C>>,
    call: Call,
    params: Params,
) -> Result<Deleted, Error> {
    let id = id(&params.id)?;
    let version = desk.contexts.delete(call.tenant(), call.agent(), id, params.expected_version).await?;
    desk.written.notify_one();
    Ok(Deleted { id, version, deleted: true })
}
