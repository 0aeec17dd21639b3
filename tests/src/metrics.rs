//! What the gateway has counted, read from its text.

use std::collections::BTreeMap;

/// One scrape.
#[derive(Clone, Debug)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads the text of a scrape.
    ///
    /// # Panics
    /// A line is no sample, or a series stands twice.
    pub fn parse(text: &str) -> Self {
        let mut series = BTreeMap::new();
        assert!(text.ends_with('\n'), "the text is cut: {text:?}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line:?}"));
            let value = value.parse().unwrap_or_else(|_| panic!("no number: {line:?}"));
            assert_eq!(series.insert(name.to_owned(), value), None, "{name} stands twice");
        }
        Self(series)
    }

    /// The value of a series, written as in the text: `name{label="value"}`.
    ///
    /// # Panics
    /// There is no such series.
    pub fn value(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("no series {series} among {:#?}", self.names()))
    }

    /// The value of a series that is shown once it was counted; 0 before.
    pub fn count(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or(0.0)
    }

    /// The sum of all series of a family, whatever their labels.
    ///
    /// # Panics
    /// There is no such series.
    pub fn sum(&self, family: &str) -> f64 {
        let values = self.0.iter().filter(|(series, _)| series.split('{').next() == Some(family));
        let values: Vec<f64> = values.map(|(_, value)| *value).collect();
        assert!(!values.is_empty(), "no series of {family} among {:#?}", self.names());
        values.iter().sum()
    }

    /// The names of all series, with their labels.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(|name| &**name).collect()
    }
}
