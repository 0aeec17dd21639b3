//! A series that Prometheus makes of others, so that alerts and dashboards need not.

use crate::Expr;
use crate::alert::Rule;

/// A recording rule.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) name: String,
    pub(crate) expr: Expr,
}

impl Recorded {
    /// What it has recorded.
    pub(crate) fn now(&self) -> Expr {
        Expr::term(self.name.clone())
    }

    /// As Prometheus reads it.
    pub(crate) fn rule(&self) -> Rule {
        Rule::Record { record: self.name.clone(), expr: self.expr.to_string() }
    }
}
