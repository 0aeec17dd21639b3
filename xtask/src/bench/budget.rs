//! Measured values, their spread over rounds, and whether they hold their budgets.

use std::fmt;

use serde_json::{Value, json};

use crate::table;

/// The middle and the ends of several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` if there are no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }

    /// A value that was measured once.
    pub(crate) const fn once(value: f64) -> Self {
        Self { median: value, min: value, max: value }
    }

    /// Each value by the same factor.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self { median: self.median * factor, min: self.min * factor, max: self.max * factor }
    }

    /// Median, and the ends in brackets where they differ, with so many digits behind the point.
    pub(crate) fn shown(self, digits: usize) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(|value| grouped(value, digits));
        if self.min == self.max { median } else { format!("{median} ({min}–{max})") }
    }

    pub(crate) fn json(self) -> Value {
        json!({ "median": self.median, "min": self.min, "max": self.max })
    }
}

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    Below(f64),
    AtLeast(f64),
}

impl Bound {
    /// A value that is no number holds neither.
    fn holds(self, value: f64) -> bool {
        match self {
            Self::Below(limit) => value < limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, limit) = match *self {
            Self::Below(limit) => ("<", limit),
            Self::AtLeast(limit) => ("≥", limit),
        };
        let digits = (0..6).find(|digits| format!("{limit:.digits$}").parse() == Ok(limit)).unwrap_or(6);
        write!(f, "{sign} {}", grouped(limit, digits))
    }
}

/// One budget, and what was measured.
#[derive(Clone, Debug)]
struct Judged {
    what: String,
    measured: Spread,
    unit: &'static str,
    digits: usize,
    bound: Bound,
}

impl Judged {
    fn verdict(&self) -> &'static str {
        if self.bound.holds(self.measured.median) { "holds" } else { "**falls short**" }
    }
}

/// All budgets that were looked at in a run.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    judged: Vec<Judged>,
    /// Figures for files and plots, by the name of a bench.
    details: serde_json::Map<String, Value>,
}

impl Budgets {
    /// Judges the median; returns bound and verdict for a table.
    pub(crate) fn judge(
        &mut self,
        what: impl Into<String>,
        measured: Spread,
        (unit, digits): (&'static str, usize),
        bound: Bound,
    ) -> String {
        let judged = Judged { what: what.into(), measured, unit, digits, bound };
        let text = format!("{bound}: {}", judged.verdict());
        self.judged.push(judged);
        text
    }

    /// A bench that came to no end: none of its budgets holds.
    pub(crate) fn broken(&mut self, bench: &str) {
        self.judge(
            format!("{bench}: runs without an error"),
            Spread::once(0.0),
            ("", 0),
            Bound::AtLeast(1.0),
        );
    }

    /// Keeps what a bench has measured besides.
    pub(crate) fn detail(&mut self, bench: &str, figures: Value) {
        self.details.insert(bench.to_owned(), figures);
    }

    /// All of them as a table.
    pub(crate) fn print(&self) {
        table::head(&["what", "measured", "budget", "verdict"]);
        for judged in &self.judged {
            let measured = format!("{} {}", judged.measured.shown(judged.digits), judged.unit);
            let budget = format!("{} {}", judged.bound, judged.unit);
            table::row(&[&judged.what, measured.trim_end(), budget.trim_end(), judged.verdict()]);
        }
    }

    pub(crate) fn json(&self) -> Value {
        let budgets = self.judged.iter().map(|judged| {
            let (bound, limit) = match judged.bound {
                Bound::Below(limit) => ("below", limit),
                Bound::AtLeast(limit) => ("at_least", limit),
            };
            json!({
                "what": judged.what,
                "measured": judged.measured.json(),
                "unit": judged.unit,
                bound: limit,
                "holds": judged.bound.holds(judged.measured.median),
            })
        });
        json!({ "budgets": budgets.collect::<Vec<_>>(), "details": self.details })
    }

    /// Names each one that falls short; `None` if all hold.
    pub(crate) fn shortfall(&self) -> Option<String> {
        let short = self.judged.iter().filter(|judged| !judged.bound.holds(judged.measured.median));
        let named: Vec<_> = short
            .map(|judged| {
                let measured = grouped(judged.measured.median, judged.digits);
                let measured = format!("{measured} {}", judged.unit);
                format!("{} {} ({})", judged.what, measured.trim_end(), judged.bound)
            })
            .collect();
        (!named.is_empty()).then(|| {
            format!("short of the budget in {} of {}: {}", named.len(), self.judged.len(), named.join("; "))
        })
    }

    /// How many were looked at.
    pub(crate) fn count(&self) -> usize {
        self.judged.len()
    }
}

/// A number with thousands separated, and so many digits behind the point.
pub(crate) fn grouped(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let groups: Vec<_> = whole.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{sign}{}{rest}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_rounds_is_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 10.0]).expect("there are values");
        assert_eq!(spread, Spread { median: 3.0, min: 1.0, max: 10.0 });
        assert_eq!(spread.shown(1), "3.0 (1.0–10.0)");
        assert_eq!(Spread::once(1_234.5).shown(0), "1,234");
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_budget_holds_only_on_its_side_of_the_limit_and_each_that_does_not_is_named() {
        let mut budgets = Budgets::default();
        assert_eq!(budgets.shortfall(), None);
        for (value, bound, expected) in [
            (499.9, Bound::Below(500.0), "< 500: holds"),
            (500.0, Bound::Below(500.0), "< 500: **falls short**"),
            (f64::NAN, Bound::Below(0.001), "< 0.001: **falls short**"),
            (8_000.0, Bound::AtLeast(8_000.0), "≥ 8,000: holds"),
            (f64::NAN, Bound::AtLeast(8_000.0), "≥ 8,000: **falls short**"),
        ] {
            assert_eq!(budgets.judge("speed", Spread::once(value), ("ns", 0), bound), expected);
        }
        let told = budgets.shortfall().expect("three fall short");
        assert!(
            told.starts_with("short of the budget in 3 of 5: speed 500 ns (< 500); speed NaN ns (< 0.001)"),
            "{told}"
        );
        assert_eq!(budgets.json()["budgets"][0]["holds"], true);
        assert_eq!(budgets.json()["budgets"][1]["holds"], false);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(grouped(1_234_567.2, 0), "1,234,567");
        assert_eq!(grouped(12.345, 2), "12.35");
        assert_eq!(grouped(-1234.5, 1), "-1,234.5");
    }
}
