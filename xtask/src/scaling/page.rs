//! The page: its tables stand between marks, and are the model's.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::table::Table;
use crate::workspace::root;

fn file() -> PathBuf {
    root().join("docs/scaling.md")
}

pub(super) fn read() -> Result<String> {
    fs::read_to_string(file()).context("docs/scaling.md")
}

pub(super) fn write(text: &str) -> Result<()> {
    fs::write(file(), text).context("docs/scaling.md")
}

/// The page with these tables in the place of those that it has.
///
/// # Errors
/// If it has no place for one.
pub(super) fn with(page: &str, tables: &[(&str, Table)]) -> Result<String> {
    let mut page = page.to_owned();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- table {name} -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) =
            page.split_once(&begin).with_context(|| format!("docs/scaling.md lacks {begin}"))?;
        let (_, after) = rest.split_once(&end).with_context(|| format!("docs/scaling.md lacks {end}"))?;
        ensure!(!after.contains(&begin), "docs/scaling.md has the table {name} twice");
        page = format!("{before}{begin}\n{}\n{end}{after}", table.markdown());
    }
    Ok(page)
}
