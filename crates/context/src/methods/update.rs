//! `context.update`: replaces or patches content and metadata, all at once or not at all.
use std::sync::Arc;

use backend::Call;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Desk, given, id};
use crate::Error;
use crate::change::{Change, Part};
use crate::context::Context;
use crate::contexts::Contexts;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    id: String,
    #[serde(default, deserialize_with = "given")]
    content: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "given")]
    patch: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "given")]
    metadata: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "given")]
    metadata_patch: Option<Box<RawValue>>,
    expected_version: Option<i64>,
}

pub(super) async fn answer<C: Contexts>(
    desk: Arc<Desk<C>>,
    call: Call,
    params: Params,
) -> Result<Context, Error> {
    let id = id(&params.id)?;
    let content = part("patch", params.content, params.patch)?;
    let metadata = part("metadata_patch", params.metadata, params.metadata_patch)?;
    if matches!((&content, &metadata), (Part::Kept, Part::Kept)) {
        return Err(Error::invalid("content", "give content, patch, metadata or metadata_patch"));
    }
    let change = Change { content, metadata, expected: params.expected_version, bounds: desk.bounds };
    let changed = desk.contexts.update(call.tenant(), call.agent(), id, change).await?;
    desk.written.notify_one();
    Ok(changed)
}

/// One part is either replaced or patched.
fn part(
    field: &'static str,
    replaced: Option<Box<RawValue>>,
    patched: Option<Box<RawValue>>,
) -> Result<Part, Error> {
    match (replaced, patched) {
        (None, None) => Ok(Part::Kept),
        (Some(new), None) => Ok(Part::Replaced(new)),
        (None, Some(patch)) => {
            crate::words::check(&patch).map_err(|error| Error::invalid(field, error.to_string()))?;
            Ok(Part::Patched(patch))
        }
        (Some(_), Some(_)) => Err(Error::invalid(field, "give either the patch or the whole, not both")),
    }
}
