//! A table as Markdown has it, and numbers as people read them.

use crate::bench::budget::grouped;

/// A head, and rows that are as wide.
#[derive(Clone, Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(str::to_owned).to_vec()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, each with its end.
    pub(super) fn markdown(&self) -> String {
        let mut lines: Vec<_> = self.rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
        let width = self.rows.first().map_or(0, Vec::len);
        lines.insert(1, format!("|{}\n", "---|".repeat(width)));
        lines.concat()
    }
}

/// A whole number.
pub(super) fn count(number: f64) -> String {
    grouped(number, 0)
}

/// A number of which two digits are known.
pub(super) fn rate(number: f64) -> String {
    let unit = 10_f64.powf((number.log10().floor() - 1.0).max(0.0));
    grouped((number / unit).round() * unit, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_below_its_head() {
        let mut table = Table::new(["a", "b"]);
        table.row(["1".to_owned(), "2".to_owned()]);
        assert_eq!(table.markdown(), "| a | b |\n|---|---|\n| 1 | 2 |\n");
    }

    #[test]
    fn two_digits_are_told() {
        assert_eq!([123_456.0, 994.0, 7.0].map(rate), ["120,000", "990", "7"]);
    }
}
