//! The instructions that are written down, and what is said of a count beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::workspace::root;

/// A path may cost so much more than what is written down, as a part of it.
pub(crate) const SLACK: f64 = 0.05;

/// What is written down: by the name of each path, and what counted it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// The compiler, the C library and Valgrind: another one of these counts differently.
    pub(crate) counted_by: String,
    pub(crate) instructions: BTreeMap<String, f64>,
}

/// What a count is beside the one that is written down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Same,
    /// So much less that it should be written down.
    Better,
    Worse,
    /// Nothing is written down.
    New,
}

impl Record {
    pub(crate) fn file() -> PathBuf {
        root().join("xtask/instructions.json")
    }

    /// # Errors
    /// If the file is not as [`Record::write`] writes it.
    pub(crate) fn read() -> Result<Self> {
        let text = fs::read_to_string(Self::file()).context("xtask/instructions.json")?;
        Self::parse(&text).context("xtask/instructions.json; `cargo xtask instructions --record` writes it")
    }

    fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let counted_by = value["counted_by"].as_str().context("counted_by is no text")?.to_owned();
        let paths = value["instructions"].as_object().context("instructions are no object")?;
        let number = |(name, count): (&String, &Value)| Some((name.clone(), count.as_f64()?));
        let instructions = paths.iter().map(number).collect::<Option<_>>().context("a count is no number")?;
        Ok(Self { counted_by, instructions })
    }

    pub(crate) fn write(&self) -> Result<()> {
        fs::write(Self::file(), self.text()?).context("xtask/instructions.json")
    }

    fn text(&self) -> Result<String> {
        let rounded: BTreeMap<_, _> =
            self.instructions.iter().map(|(name, count)| (name, count.round() as u64)).collect();
        let value = json!({ "counted_by": self.counted_by, "instructions": rounded });
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    /// What `count` is for this path.
    pub(crate) fn judge(&self, name: &str, count: f64) -> Verdict {
        let Some(written) = self.instructions.get(name) else { return Verdict::New };
        let change = count / written - 1.0;
        if change <= -SLACK {
            Verdict::Better
        } else if change < SLACK {
            Verdict::Same
        } else {
            // A value that is no number is here too.
            Verdict::Worse
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record { counted_by: "rustc 1".to_owned(), instructions: [("echo".to_owned(), 1_000.0)].into() }
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        assert_eq!(Record::parse(&record().text().expect("it can be written")).expect("a record"), record());
        for bad in ["", "{}", r#"{"counted_by":"x","instructions":{"echo":"1"}}"#] {
            assert!(Record::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn five_percent_more_is_worse() {
        let found = [1_049.0, 1_050.0, 951.0, 950.0, f64::NAN].map(|count| record().judge("echo", count));
        assert_eq!(found, [Verdict::Same, Verdict::Worse, Verdict::Same, Verdict::Better, Verdict::Worse]);
        assert_eq!(record().judge("call", 1.0), Verdict::New);
    }
}
