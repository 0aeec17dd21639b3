//! Expressions of PromQL, put together from others. Refuses to know the names of metrics.

use std::fmt;

/// An expression whose value is an instant vector.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    text: String,
    /// Whether it needs no brackets beside an operator.
    is_term: bool,
}

impl Expr {
    /// What needs no brackets: a selector, or a function of something.
    pub(crate) const fn term(text: String) -> Self {
        Self { text, is_term: true }
    }

    const fn operation(text: String) -> Self {
        Self { text, is_term: false }
    }

    /// How many alerts of ours fire.
    pub(crate) fn firing() -> Self {
        Self::term("count(ALERTS{alertname=~\"Mcpw.*\",alertstate=\"firing\"})".to_owned()).or_zero()
    }

    /// Which of these alerts of ours was about to fire, or did, in the window.
    pub(crate) fn told(alerts: &[&str], window: &str) -> Self {
        Self::term(format!("max_over_time(ALERTS{{alertname=~\"{}\"}}[{window}])", alerts.join("|")))
    }

    /// The sum for each of these labels.
    pub(crate) fn sum(self, by: &[&str]) -> Self {
        self.aggregated("sum", by)
    }

    /// The highest for each of these labels.
    pub(crate) fn max(self, by: &[&str]) -> Self {
        self.aggregated("max", by)
    }

    /// The lowest for each of these labels.
    pub(crate) fn min(self, by: &[&str]) -> Self {
        self.aggregated("min", by)
    }

    /// How many there are for each of these labels.
    pub(crate) fn number(self, by: &[&str]) -> Self {
        self.aggregated("count", by)
    }

    fn aggregated(self, function: &str, by: &[&str]) -> Self {
        let by = if by.is_empty() { String::new() } else { format!(" by ({}) ", by.join(", ")) };
        Self::term(format!("{function}{by}({self})"))
    }

    /// The highest so many.
    pub(crate) fn top(self, count: usize) -> Self {
        Self::term(format!("topk({count}, {self})"))
    }

    /// 1 if there is nothing like this.
    pub(crate) fn absent(self) -> Self {
        Self::term(format!("absent({self})"))
    }

    /// This by that.
    pub(crate) fn divided_by(self, other: &Self) -> Self {
        Self::operation(format!("{} / {}", self.bracketed(), other.bracketed()))
    }

    /// Each of these by the one of those that has the same of these labels.
    pub(crate) fn divided_by_each(self, labels: &[&str], other: &Self) -> Self {
        let on = labels.join(", ");
        Self::operation(format!("{} / on ({on}) group_left () {}", self.bracketed(), other.bracketed()))
    }

    /// Both together.
    pub(crate) fn plus(self, other: &Self) -> Self {
        Self::operation(format!("{} + {}", self.bracketed(), other.bracketed()))
    }

    /// This, and what the other has of other labels.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self::operation(format!("{} or {}", self.bracketed(), other.bracketed()))
    }

    /// 0 where there is nothing.
    pub(crate) fn or_zero(self) -> Self {
        Self::operation(format!("{} or vector(0)", self.bracketed()))
    }

    /// How long until this moment, in seconds.
    pub(crate) fn until(self) -> Self {
        Self::operation(format!("{} - time()", self.bracketed()))
    }

    /// How long since this moment, in seconds.
    pub(crate) fn ago(self) -> Self {
        Self::operation(format!("time() - {}", self.bracketed()))
    }

    /// Where it is more than this.
    pub(crate) fn above(self, bound: f64) -> Self {
        Self::operation(format!("{} > {bound}", self.bracketed()))
    }

    /// Where it is less than this.
    pub(crate) fn below(self, bound: f64) -> Self {
        Self::operation(format!("{} < {bound}", self.bracketed()))
    }

    /// Where it is this.
    pub(crate) fn equals(self, value: u8) -> Self {
        Self::operation(format!("{} == {value}", self.bracketed()))
    }

    /// Where the other has something of the same labels too.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self::operation(format!("{} and {}", self.bracketed(), other.bracketed()))
    }

    /// Where the other has something with the same of these labels too.
    pub(crate) fn and_on(self, labels: &[&str], other: &Self) -> Self {
        let on = labels.join(", ");
        Self::operation(format!("{} and on ({on}) {}", self.bracketed(), other.bracketed()))
    }

    /// Where the other has nothing of the same labels.
    pub(crate) fn unless(self, other: &Self) -> Self {
        Self::operation(format!("{} unless {}", self.bracketed(), other.bracketed()))
    }

    /// Where the other has nothing with the same of these labels.
    pub(crate) fn unless_on(self, labels: &[&str], other: &Self) -> Self {
        let on = labels.join(", ");
        Self::operation(format!("{} unless on ({on}) {}", self.bracketed(), other.bracketed()))
    }

    fn bracketed(&self) -> String {
        if self.is_term { self.text.clone() } else { format!("({})", self.text) }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
