//! What a request counts as, and whether it is over a limit.

use super::Link;
use super::ask::Ask;
use super::problem::Problem;
use crate::audit::Event;
use crate::limits::Seats;
use crate::pod::NoPlace;
use bytes::Bytes;
use metrics::Refusal;
use protocol::ErrorCode;
use router::Failure;
use std::sync::Arc;

impl Link {
    /// Counts a request for this method. What it counts as while it runs is to be kept until it is answered.
    pub(super) async fn count(&self, ask: &Ask, method: &str) -> Result<Option<Box<Seats>>, Problem> {
        let (terms, counters) = (self.shard.terms(), &self.shard.counters);
        let limits = &terms.limits;
        let allowance = limits.allowance(&ask.identity, ask.address, || Arc::clone(&self.bucket));
        while let Some(account) = allowance.as_ref().and_then(|allowance| allowance.held()) {
            account.released().await;
        }
        if let Some(Err(over)) = allowance.map(|allowance| limits.take(&allowance, method)) {
            counters.limited(over.limit);
            let details = Some(Bytes::from(over.details()));
            return Err(Failure { details, ..Failure::new(ErrorCode::RateLimited, over.to_string()) }.into());
        }
        // The connection counts for its address already, unless it is a proxy's.
        let address = Some(ask.address).filter(|_| self.visit.source.is_proxy);
        limits.seats(address, Some(&ask.identity)).map_err(|crowded| {
            let why = NoPlace::Crowded(crowded);
            counters.refused(Refusal::RateLimited);
            if let Some(judged) = why.judged() {
                let entry = || self.decision(Event::Refuse, ask.address).holder(&ask.identity);
                self.shard.pod.audit.tell(|| entry().reason(judged));
            }
            Problem::no_place(why)
        })
    }
}
