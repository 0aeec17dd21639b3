//! What a request counts as, and whether it is over a limit.

use super::Link;
use super::ask::Ask;
use super::problem::Problem;
use crate::limits::Seats;
use crate::pod::NoPlace;
use bytes::Bytes;
use metrics::Refusal;
use protocol::ErrorCode;
use router::Failure;
use std::net::IpAddr;
use std::sync::Arc;

impl Link {
    /// Counts a request for this method. What it counts as while it runs is to be kept until it is answered.
    pub(super) fn count(
        &self,
        ask: &Ask,
        address: IpAddr,
        method: &str,
    ) -> Result<Option<Box<Seats>>, Problem> {
        let (limits, counters) = (&self.shard.pod.limits, &self.shard.counters);
        let allowance = limits.allowance(&ask.identity, address, || Arc::clone(&self.bucket));
        if let Some(Err(over)) = allowance.map(|allowance| limits.take(&allowance, method)) {
            counters.limited(over.limit);
            let details = Some(Bytes::from(over.details()));
            return Err(Failure { details, ..Failure::new(ErrorCode::RateLimited, over.to_string()) }.into());
        }
        // The connection counts for its address already, unless it is a proxy's.
        let address = Some(address).filter(|_| self.visit.source.is_proxy);
        limits.seats(address, Some(&ask.identity)).map_err(|crowded| {
            counters.refused(Refusal::RateLimited);
            Problem::no_place(NoPlace::Crowded(crowded))
        })
    }
}
