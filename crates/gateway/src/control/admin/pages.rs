//! Lists: what may be asked of one, and how it is cut into pages.

use super::answer::Refused;
use super::shards::Cursor;
use crate::inquiry::Filter;
use serde::Deserialize;
use std::net::IpAddr;

const LIMIT: usize = 100;
const MOST: usize = 1_000;

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Query {
    tenant: Option<String>,
    agent: Option<String>,
    address: Option<String>,
    session: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

impl Query {
    /// What has to fit, where the list begins, and how long it may be.
    ///
    /// # Errors
    /// 400, with the parameter that is wrong.
    pub(super) fn read(self, opened: bool) -> Result<(Filter, Cursor, usize), Refused> {
        let address = self.address.map(|text| text.parse::<IpAddr>()).transpose();
        let address =
            address.map_err(|_| Refused::wrong("address: an address such as 192.0.2.1 is needed"))?;
        let session = self.session.map(|text| text.parse()).transpose();
        let session = session.map_err(|_| Refused::wrong("session: the id of a session is needed"))?;
        let limit = match self.limit {
            None => LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MOST).contains(limit))
                .ok_or_else(|| Refused::wrong(format!("limit: a number from 1 to {MOST} is needed")))?,
        };
        let cursor = self.cursor.map(|text| text.parse()).transpose()?.unwrap_or_default();
        let address = address.map(|address| address.to_canonical());
        Ok((Filter { tenant: self.tenant, agent: self.agent, address, session, opened }, cursor, limit))
    }
}
