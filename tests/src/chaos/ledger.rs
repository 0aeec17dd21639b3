//! What one run comes to: rows for people, and what was lost. It judges nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Rows, and losses.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    rows: Vec<Row>,
    lost: Vec<String>,
}

#[derive(Clone, Debug)]
enum Row {
    Value(String, String),
    /// How often something was said that may be long.
    Said(usize, String),
}

impl Ledger {
    /// Writes a row.
    pub fn row(&mut self, what: impl Into<String>, value: impl fmt::Display) {
        self.rows.push(Row::Value(what.into(), value.to_string()));
    }

    /// Writes how often each of these was said, below the row before.
    pub(super) fn said<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let mut counts = BTreeMap::<_, usize>::new();
        for text in texts {
            *counts.entry(text).or_default() += 1;
        }
        self.rows.extend(counts.into_iter().map(|(text, count)| Row::Said(count, text.to_owned())));
    }

    /// Writes a row of what must not be: unless it is 0, it is a loss.
    pub fn must_be_none(&mut self, what: &str, count: usize) {
        self.row(what, count);
        if count > 0 {
            self.lose(format!("{count} {what}"));
        }
    }

    /// Notes a loss.
    pub fn lose(&mut self, what: impl Into<String>) {
        self.lost.push(what.into());
    }

    /// The losses in words.
    pub fn lost(&self) -> &[String] {
        &self.lost
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |row: &Row| match row {
            Row::Value(what, _) => what.len(),
            Row::Said(..) => 0,
        };
        let width = self.rows.iter().map(width).max().unwrap_or_default();
        for row in &self.rows {
            match row {
                Row::Value(what, value) => writeln!(formatter, "  {what:width$}  {value}")?,
                Row::Said(count, text) => writeln!(formatter, "      {count} × {text}")?,
            }
        }
        Ok(())
    }
}

/// The time that this share of all, in percent, does not pass; nothing of nothing.
pub(super) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_none_and_is_not_is_lost() {
        let mut ledger = Ledger::default();
        ledger.row("calls made", 7);
        ledger.must_be_none("calls failed", 0);
        assert!(ledger.lost().is_empty());
        ledger.must_be_none("calls unanswered", 3);
        ledger.said(["late", "never", "late"].into_iter());
        assert_eq!(ledger.lost(), ["3 calls unanswered"]);
        assert_eq!(
            ledger.to_string(),
            "  calls made        7\n  calls failed      0\n  calls unanswered  3\n      2 × late\n      1 × never\n"
        );
    }

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        for (percent, expected) in [(50, 100), (99, 198), (100, 200)] {
            assert_eq!(percentile(&mut times, percent), Duration::from_millis(expected));
        }
        assert_eq!(percentile(&mut [], 99), Duration::ZERO);
    }
}
