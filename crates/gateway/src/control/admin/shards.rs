//! The shards as operators ask them: over their channels, and never for long.

use super::answer::Refused;
use crate::inquiry::{Ask, Errand, Filter, Page, Report, Whom};
use crate::mail::Memo;
use hyper::StatusCode;
use router::Seen;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a shard may take to answer one ask.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many pages one request of an operator's asks for. A filter that nothing fits does not keep all shards at work.
const PAGES: usize = 40;

/// The way to each.
#[derive(Debug)]
pub(super) struct Shards(Vec<mpsc::Sender<Memo>>);

/// Where a list goes on: a shard, and a place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    shard: usize,
    place: usize,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.shard, self.place)
    }
}

impl FromStr for Cursor {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = text.split_once('-').filter(|(shard, place)| digits(shard) && digits(place));
        let parsed = parsed.and_then(|(shard, place)| Some((shard.parse().ok()?, place.parse().ok()?)));
        let (shard, place) =
            parsed.ok_or_else(|| Refused::wrong("cursor: give the one of the page before, as it was"))?;
        Ok(Self { shard, place })
    }
}

impl Shards {
    pub(super) const fn new(shards: Vec<mpsc::Sender<Memo>>) -> Self {
        Self(shards)
    }

    pub(super) fn ways(&self) -> &[mpsc::Sender<Memo>] {
        &self.0
    }

    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Up to `limit` connections that fit, from a place on, and where there may be more.
    ///
    /// # Errors
    /// 503: a shard does not answer in time.
    pub(super) async fn connections(
        &self,
        filter: Filter,
        from: Cursor,
        limit: usize,
    ) -> Result<(Vec<Report>, Option<Cursor>), Refused> {
        let (filter, mut cursor, mut reports) = (Arc::new(filter), from, Vec::new());
        for _ in 0..PAGES {
            if cursor.shard >= self.0.len() {
                return Ok((reports, None));
            }
            let (answer, answered) = mpsc::channel(1);
            let page = Page { from: cursor.place, filter: Arc::clone(&filter), answer };
            let found = self.ask(cursor.shard, Ask::Page(page), answered).await?;
            let Some(found) = found else { return Err(silent(cursor.shard)) };
            let room = limit - reports.len();
            if let Some(over) = found.reports.get(room) {
                let place = over.key;
                reports.extend(found.reports.into_iter().take(room));
                return Ok((reports, Some(Cursor { place, ..cursor })));
            }
            reports.extend(found.reports);
            cursor = match found.next {
                Some(place) => Cursor { place, ..cursor },
                None => Cursor { shard: cursor.shard + 1, place: 0 },
            };
            if reports.len() == limit {
                break;
            }
        }
        let more = cursor.shard < self.0.len();
        Ok((reports, more.then_some(cursor)))
    }

    /// Has the one connection do something, wherever it is; `None` if there is none.
    ///
    /// # Errors
    /// 503: a shard does not answer in time.
    pub(super) async fn one<T>(
        &self,
        whom: Whom,
        errand: impl Fn(mpsc::Sender<T>) -> Errand,
    ) -> Result<Option<T>, Refused> {
        for shard in 0..self.0.len() {
            let (answer, answered) = mpsc::channel(1);
            let done = self.ask(shard, Ask::One(whom, errand(answer)), answered).await?;
            if done.is_some() {
                return Ok(done);
            }
        }
        Ok(None)
    }

    /// How each sees the replicas of backends.
    ///
    /// # Errors
    /// 503: a shard does not answer in time.
    pub(super) async fn replicas(&self) -> Result<Vec<Vec<Seen>>, Refused> {
        let mut all = Vec::with_capacity(self.0.len());
        for shard in 0..self.0.len() {
            let (answer, answered) = mpsc::channel(1);
            all.push(self.ask(shard, Ask::Replicas(answer), answered).await?.unwrap_or_default());
        }
        Ok(all)
    }

    /// Asks one, and waits for its answer; `None` if it has none.
    async fn ask<T>(
        &self,
        shard: usize,
        ask: Ask,
        mut answered: mpsc::Receiver<T>,
    ) -> Result<Option<T>, Refused> {
        let Some(way) = self.0.get(shard) else { return Ok(None) };
        let asking = async {
            // One that is gone has nothing.
            let _ = way.send(Memo::Ask(ask)).await;
            answered.recv().await
        };
        timeout(PATIENCE, asking).await.map_err(|_| silent(shard))
    }
}

fn silent(shard: usize) -> Refused {
    let reason = format!("shard {shard} is too busy to answer: ask again");
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, reason)
}
