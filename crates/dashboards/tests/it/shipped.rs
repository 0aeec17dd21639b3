//! What stands in the repository.

use std::path::Path;

use dashboards::{Pace, files};

/// A file of the repository.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_files_in_the_repository_are_as_they_would_be_made() {
    let xtask = read("xtask/src/generate.rs");
    for file in files(Pace::SHIPPED) {
        assert!(
            xtask.contains(&format!("\"{}\"", file.path)),
            "`cargo xtask generate` does not know {}",
            file.path
        );
        assert!(read(file.path) == file.text, "{}: please run `cargo xtask generate`", file.path);
    }
}

#[test]
fn the_memory_that_alerts_know_is_what_the_manifests_give() {
    assert!(read("deploy/kubernetes/base/deployment.yaml").contains("memory: 1Gi"));
    assert!(read("deploy/helm/mcpw/values.yaml").contains("memory: 1Gi"));
}
