//! Every configuration that is shipped or shown is one.

use std::path::Path;

use gateway::config::{Config, Overrides, load};
use tempfile::NamedTempFile;

use crate::markdown::{blocks, pages};
use crate::repository;

#[track_caller]
fn check(file: &Path, place: &str) {
    if let Err(error) = load(Config::default(), Some(file), &Overrides::new()) {
        panic!("{place}: {error}");
    }
}

#[test]
fn every_shipped_configuration_can_be_loaded() {
    let folder = repository().join("deploy/config");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        check(&path, &path.display().to_string());
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

/// What is not a configuration of the gateway has a title that says what it is.
#[test]
fn every_configuration_in_the_documentation_can_be_loaded() {
    let blocks = pages().into_iter().flat_map(|page| blocks(&page));
    let mut count = 0;
    for block in blocks.filter(|block| block.language == "yaml" && block.title.is_none()) {
        let file = NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), &block.text).expect("the file is ours");
        check(file.path(), &format!("{}:{}", block.file.display(), block.line));
        count += 1;
    }
    assert!(count > 10, "{count} configurations were found");
}
