//! Measured values, their spread over rounds, and whether they hold their budgets.

use std::fmt;

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
}

/// Median, and the ends in brackets, as whole numbers.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ({:.0}–{:.0})", self.median, self.min, self.max)
    }
}

/// Counts the budgets that did not hold.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    failed: usize,
}

impl Budgets {
    /// Judges one value, which must be under its limit.
    pub(crate) fn judge(&mut self, value: f64, limit: f64) -> &'static str {
        // Written so that a value that is no number fails.
        if value < limit {
            return "PASS";
        }
        self.failed += 1;
        "FAIL"
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed
    }
}

/// A number with thousands separated.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", &digits[..]), |digits| ("-", digits));
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_rounds_is_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 10.0]).expect("there are values");
        assert_eq!(spread, Spread { median: 3.0, min: 1.0, max: 10.0 });
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_budget_holds_only_under_its_limit() {
        let mut budgets = Budgets::default();
        assert_eq!(budgets.judge(499.9, 500.0), "PASS");
        assert_eq!(budgets.judge(500.0, 500.0), "FAIL");
        assert_eq!(budgets.judge(f64::NAN, 500.0), "FAIL");
        assert_eq!(budgets.failed(), 2);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(grouped(1_234_567.2), "1,234,567");
        assert_eq!(grouped(12.0), "12");
        assert_eq!(grouped(-1234.0), "-1,234");
    }
}
