//! `context.list`: the tenant's contexts in pages, without their contents.
use std::sync::Arc;

use backend::Call;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Desk, limit, time};
use crate::context::Outline;
use crate::contexts::Contexts;
use crate::limits::{ASKED_MEMBERS, MAX_PAGE, PAGE};
use crate::page::{Cursor, Filter, Order};
use crate::time::Time;
use crate::{Error, labels};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Params {
    limit: Option<u64>,
    cursor: Option<String>,
    order: Option<Order>,
    agent: Option<String>,
    metadata: Map<String, Value>,
    created_after: Option<String>,
    created_before: Option<String>,
    updated_after: Option<String>,
    updated_before: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    contexts: Vec<Outline>,
    /// Where the next page begins; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(super) async fn answer<C: Contexts>(
    desk: Arc<Desk<C>>,
    call: Call,
    params: Params,
) -> Result<Page, Error> {
    let limit = limit(params.limit, PAGE, MAX_PAGE)?;
    let filter = params.filter(call.tenant())?;
    let order = filter.order;
    // One more tells whether there is a next page.
    let mut contexts = desk.contexts.list(call.tenant(), filter, limit + 1).await?;
    let more = contexts.len() > limit;
    contexts.truncate(limit);
    let last = contexts.last().filter(|_| more);
    let next_cursor = last.map(|last| Cursor::behind(last).write(order));
    Ok(Page { contexts, next_cursor })
}

impl Params {
    fn filter(self, tenant: &str) -> Result<Filter, Error> {
        if self.metadata.len() > ASKED_MEMBERS {
            return Err(Error::invalid("metadata", format!("ask for at most {ASKED_MEMBERS} members")));
        }
        let mut labels: Vec<_> =
            self.metadata.iter().map(|(name, value)| labels::member(tenant, name, value)).collect();
        labels.extend(self.agent.map(|agent| labels::agent(tenant, &agent)));
        if labels.is_empty() {
            labels.push(labels::tenant(tenant));
        }
        // "After" and "before" leave out the very millisecond.
        let behind = |time: Time| time.0.saturating_add(1);
        let created_after = time("created_after", self.created_after.as_deref())?;
        let created_before = time("created_before", self.created_before.as_deref())?;
        let updated_after = time("updated_after", self.updated_after.as_deref())?;
        let updated_before = time("updated_before", self.updated_before.as_deref())?;
        // What is asked for by its last change is found fastest in this order.
        let by_update = updated_after.is_some() || updated_before.is_some();
        let order = self.order.unwrap_or(if by_update { Order::Updated } else { Order::Created });
        let after = self.cursor.map(|cursor| Cursor::read(&cursor, order)).transpose()?;
        Ok(Filter {
            labels,
            order,
            created: created_after.map_or(Uuid::nil(), |time| Time(behind(time)).first_id())
                ..created_before.map_or(Uuid::max(), Time::first_id),
            updated: updated_after.map_or(i64::MIN, behind)..updated_before.map_or(i64::MAX, |time| time.0),
            after: after.unwrap_or(Cursor::START),
        })
    }
}
