//! What was let through of rates, in one process.
use std::time::Duration;

use tokio::time::Instant;

use super::MemoryStore;
use crate::mailbox::lock;
use crate::quotas::check;
use crate::{Error, Quotas, Spent};

impl Quotas for MemoryStore {
    async fn settle(&self, name: &str, spent: Spent) -> Result<Duration, Error> {
        check(name)?;
        let now = Instant::now();
        let mut moments = lock(&self.inner.quotas);
        // What came before it began has passed by then.
        let known = moments.find(name).map_or(Duration::ZERO, |moment| moment.saturating_duration_since(now));
        let ahead = if known.is_zero() { spent.cost.saturating_sub(spent.age) } else { known + spent.cost };
        let ahead = ahead.min(spent.most);
        match moments.find(name) {
            Some(moment) => {
                *moment = now + ahead;
                moments.prolong(name, ahead);
            }
            None if ahead.is_zero() => {}
            None => moments.insert(name.to_owned(), now + ahead, ahead)?,
        }
        Ok(ahead)
    }
}
