//! The page that tells what becomes of each feature: every line of its tables names a test that is here, and every test is named.

use std::collections::BTreeSet;
use std::path::Path;

/// The names of all tests of this folder, as `file::name`.
fn written() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bridge/eras");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("it is this folder").flatten() {
        let file = entry.path();
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let text = std::fs::read_to_string(&file).expect("a file of this folder");
        let mut lines = text.lines().map(str::trim_start);
        while let Some(line) = lines.next() {
            let named = |line: &str| Some(line.strip_prefix("fn ")?.split_once('(')?.0.to_owned());
            if line == "#[test]"
                && name != "page"
                && let Some(test) = lines.next().and_then(named)
            {
                found.insert(format!("{name}::{test}"));
            }
        }
    }
    found
}

#[test]
fn every_line_of_the_page_has_its_test() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mcp-translation.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let written = written();
    let mut named = BTreeSet::new();
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|--"));
    let mut count = 0;
    for row in rows.filter(|row| !row.starts_with("| feature")) {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let tests: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "a line without a test: {row}");
        for test in tests {
            assert!(written.contains(test), "there is no test {test}: {row}");
            named.insert(test.to_owned());
        }
        count += 1;
    }
    assert!(count >= 20, "the page has its tables");
    let unnamed: Vec<&String> = written.difference(&named).collect();
    assert!(unnamed.is_empty(), "tests that no line names: {unnamed:?}");
}
