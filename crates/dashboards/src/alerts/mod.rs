//! Every alert. Each has a section in docs/runbooks.md, in this order.

mod backends;
mod events;
mod operation;
mod pods;
mod requests;
mod store;

use crate::{Alert, Pace};

/// Alerts about one subject.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) alerts: Vec<Alert>,
}

/// All of them.
pub(crate) fn all(pace: Pace) -> Vec<Group> {
    vec![
        Group { name: "mcpw-pods", alerts: pods::alerts(pace) },
        Group { name: "mcpw-store", alerts: store::alerts(pace) },
        Group { name: "mcpw-backends", alerts: backends::alerts(pace) },
        Group { name: "mcpw-requests", alerts: requests::alerts(pace) },
        Group { name: "mcpw-events", alerts: events::alerts(pace) },
        Group { name: "mcpw-operation", alerts: operation::alerts(pace) },
    ]
}
