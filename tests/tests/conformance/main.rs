//! The conformance suite of Model Context Protocol in both eras, as `cargo xtask conformance --mcp` runs it: against a server of the
//! suite's wishes behind the bridge, and against the platform alone.

use std::path::Path;

use tempfile::TempDir;
use tests::conformance::{Platform, Report, Suite};

const BINARY: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

/// What the platform alone can't pass.
const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/platform.yaml");

fn run(platform: &Platform, version: &str, expected: Option<&Path>) -> Report {
    let suite =
        Suite::at(&tests::installed(env!("CARGO_TARGET_TMPDIR"), "conformance")).expect("it is installed");
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    suite.run(&platform.url(), version, expected, folder.path()).expect("the suite runs")
}

fn with_server(era: &str) -> Platform {
    let server = tests::installed(env!("CARGO_TARGET_TMPDIR"), "servers-rust").join("conformance-server");
    Platform::with_server(Path::new(BINARY), &server, era, "test_simple_text").expect("the platform starts")
}

fn check(version: &str, era: &str) {
    let report = run(&with_server(era), version, None);
    assert!(report.is_good() && report.failed() == 0 && report.passed() > 0, "{report}");
}

#[test]
fn nothing_that_2026_07_28_requires_fails() {
    check("2026-07-28", "modern");
}

#[test]
fn nothing_that_2025_11_25_requires_fails() {
    check("2025-11-25", "modern");
}

#[test]
fn nothing_that_2025_11_25_requires_fails_before_a_server_with_sessions() {
    check("2025-11-25", "legacy");
}

#[test]
fn the_platform_alone_fails_only_where_it_lacks_what_the_suite_calls() {
    let platform = Platform::alone(Path::new(BINARY)).expect("the platform starts");
    for version in tests::conformance::VERSIONS {
        let report = run(&platform, version, Some(Path::new(EXPECTED)));
        assert!(report.is_good() && report.passed() > 0, "{report}");
    }
}
