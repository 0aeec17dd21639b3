//! An alert: when somebody is told, how urgently, and where it says what to do.

use crate::{Expr, Pace};
use serde::Serialize;
use std::collections::BTreeMap;

/// Where the sections on alerts are, from the root of the repository.
const RUNBOOKS: &str = "docs/runbooks.md";

/// How urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Somebody is woken: clients notice, or will within minutes.
    Critical,
    /// Somebody looks within the day.
    Warning,
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// An alert. Its section in docs/runbooks.md has its name.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    pub(crate) expr: Expr,
    /// For how many minutes it has to hold.
    pub(crate) minutes: u64,
    /// What is so, in one line.
    pub(crate) summary: &'static str,
    /// What it means, with the value.
    pub(crate) description: &'static str,
}

/// A rule as Prometheus reads it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Rule {
    Alert {
        alert: &'static str,
        expr: String,
        #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
        patience: Option<String>,
        labels: BTreeMap<&'static str, String>,
        annotations: BTreeMap<&'static str, String>,
    },
    Record {
        record: String,
        expr: String,
    },
}

impl Alert {
    /// As Prometheus reads it.
    pub(crate) fn rule(&self, pace: Pace) -> Rule {
        let anchor = self.name.to_lowercase();
        Rule::Alert {
            alert: self.name,
            expr: self.expr.to_string(),
            patience: (self.minutes > 0).then(|| pace.minutes(self.minutes)),
            labels: BTreeMap::from([("severity", self.severity.name().to_owned())]),
            annotations: BTreeMap::from([
                ("summary", self.summary.to_owned()),
                ("description", self.description.to_owned()),
                ("runbook_url", format!("{RUNBOOKS}#{anchor}")),
            ]),
        }
    }
}
