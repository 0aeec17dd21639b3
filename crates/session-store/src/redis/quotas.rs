//! What was let through of rates, in Redis: of each that is ahead the moment at which it no longer is.
use std::time::Duration;

use super::link::Request;
use super::reply::Reply;
use super::{RedisStore, scripts};
use crate::quotas::check;
use crate::{Error, Quotas, Spent};

impl Quotas for RedisStore {
    async fn settle(&self, name: &str, spent: Spent) -> Result<Duration, Error> {
        check(name)?;
        let request = Request::script(&scripts::SETTLE, &[self.inner.keys.quota(name)])
            .arg(microseconds(spent.cost))
            .arg(microseconds(spent.age))
            .arg(microseconds(spent.most));
        let mut reply = Reply::parse(self.inner.link.run(request).await?)?;
        match reply.plain_word() {
            "ok" => Ok(Duration::from_micros(reply.next()?)),
            _ => Err(reply.strange()),
        }
    }
}

/// Rounded to the nearest; scripts count in doubles, which hold so many exactly.
fn microseconds(duration: Duration) -> u64 {
    let rounded = duration.saturating_add(Duration::from_nanos(500));
    u64::try_from(rounded.as_micros()).unwrap_or(u64::MAX).min(1 << 50)
}
