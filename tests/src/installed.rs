//! What tests need of other languages: `cargo xtask test` installs it, and where it is missing a test says so and fails.

use std::path::{Path, PathBuf};

/// The path of this part, where `target_tmp` is the test's `CARGO_TARGET_TMPDIR`.
///
/// # Panics
/// It is not there; says what installs it.
pub fn installed(target_tmp: &str, part: &str) -> PathBuf {
    let target = Path::new(target_tmp).parent().expect("it is a folder of the target folder");
    let path = target.join("e2e").join(part);
    assert!(path.exists(), "{} is missing: `cargo xtask test --prepare` installs it", path.display());
    path
}

/// Node 22, which is a package among these `node_modules` where there is one for the machine.
pub fn node_22(modules: &Path) -> PathBuf {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    modules.join(format!("node-linux-{architecture}/bin/node"))
}
