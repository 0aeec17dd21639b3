//! `context.search`: the contexts that hold every word of a query, the best first, with pieces of their texts.
use std::sync::Arc;

use backend::Call;
use serde::{Deserialize, Serialize};

use super::{Desk, id, limit};
use crate::Error;
use crate::context::Outline;
use crate::contexts::Contexts;
use crate::limits::{HITS, MAX_HITS};
use crate::snippet::snippets;
use crate::words::Query;

/// Pieces of a context's text that are shown where many are searched, and where it is the only one.
const FEW: usize = 3;
const MANY: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    query: String,
    id: Option<String>,
    limit: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Hits {
    hits: Vec<Hit>,
}

#[derive(Debug, Serialize)]
struct Hit {
    #[serde(flatten)]
    context: Outline,
    /// Only to be compared within one answer.
    score: f64,
    snippets: Vec<String>,
}

pub(super) async fn answer<C: Contexts>(
    desk: Arc<Desk<C>>,
    call: Call,
    params: Params,
) -> Result<Hits, Error> {
    let limit = limit(params.limit, HITS, MAX_HITS)?;
    let query = Query::new(call.tenant(), &params.query)?;
    let within = params.id.as_deref().map(id).transpose()?;
    let pieces = if within.is_some() { MANY } else { FEW };
    let found = desk.contexts.search(call.tenant(), query.clone(), within, limit).await?;
    let hits = found.into_iter().map(|(score, context)| Hit {
        score,
        snippets: snippets(&context.text(), &query.words, pieces),
        context: context.outline,
    });
    Ok(Hits { hits: hits.collect() })
}
