//! Changes on their way to the tenants' subscribers. They were written down together with what they tell, so none is
//! lost; each is told until a gateway has confirmed it.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backend::{Error as Refusal, Publisher, Raw};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::sleep;
use uuid::Uuid;

use crate::contexts::Contexts;
use crate::time::Time;

pub(crate) const CREATED: &str = "context.created";
pub(crate) const UPDATED: &str = "context.updated";
pub(crate) const DELETED: &str = "context.deleted";

/// Changes that are told at a time; those of one context one after the other.
const TOGETHER: usize = 64;
/// How often it is looked for changes that another process has left.
const LOOK: Duration = Duration::from_millis(500);
/// How long the database or the gateways are left in peace after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// A change that is to be told.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Its place among all changes.
    pub(crate) place: i64,
    pub(crate) tenant: String,
    pub(crate) context: Uuid,
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) data: String,
}

/// What an event says.
#[derive(Debug, Serialize)]
struct Told<'a> {
    id: Uuid,
    version: i64,
    agent: &'a str,
    at: Time,
}

/// The data of an event: the context, the version that it has or had, who changed it, and when.
pub(crate) fn data(id: Uuid, version: i64, agent: &str, at: Time) -> String {
    // Names and numbers can always be written.
    serde_json::to_string(&Told { id, version, agent, at }).unwrap_or_default()
}

/// Tells changes for as long as it is polled. `written` wakes it after a write of this process.
pub(crate) async fn tell(contexts: Arc<impl Contexts>, publisher: Publisher, written: Arc<Notify>) {
    loop {
        match contexts.untold(TOGETHER).await {
            Ok(news) if news.is_empty() => {
                tokio::select! {
                    () = written.notified() => {}
                    () = sleep(LOOK) => {}
                }
            }
            Ok(news) => {
                let all = news.len();
                let told = publish(news, &publisher).await;
                let failed = told.len() < all;
                // Those that are not forgotten are told again, which their keys make harmless.
                let forgotten = contexts.told(told).await;
                if let Err(error) = &forgotten {
                    tracing::warn!(%error, "changes that were told can't be forgotten; trying on");
                }
                if failed || forgotten.is_err() {
                    sleep(PAUSE).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "changes can't be read; trying on");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Publishes, and answers the places of those that need not be told again.
async fn publish(news: Vec<News>, publisher: &Publisher) -> Vec<i64> {
    let mut contexts = BTreeMap::<Uuid, Vec<News>>::new();
    for change in news {
        contexts.entry(change.context).or_default().push(change);
    }
    let telling: FuturesUnordered<_> = contexts.into_values().map(|news| in_order(news, publisher)).collect();
    telling.concat().await
}

async fn in_order(news: Vec<News>, publisher: &Publisher) -> Vec<i64> {
    let mut told = Vec::new();
    for change in news {
        let key = format!("{}:{}:{}", change.context, change.version, change.name);
        let outcome = match Raw::parse(change.data) {
            Ok(data) => publisher.publish(&change.tenant, &change.name, data, Some(&key)).await.map(|_| ()),
            Err(error) => Err(Refusal::EventRefused { name: change.name.clone(), reason: error.to_string() }),
        };
        match outcome {
            Ok(()) => told.push(change.place),
            Err(error @ Refusal::EventRefused { .. }) => {
                // It would be refused again, and must not hold up those behind it.
                tracing::error!(%error, context = %change.context, "a change is not told");
                told.push(change.place);
            }
            Err(error) => {
                tracing::warn!(%error, "changes wait to be told; trying on");
                break;
            }
        }
    }
    told
}
