//! Dependencies with known holes: `cargo xtask check` asks cargo-deny for all of them; those that this house was told of are named here.

use std::path::Path;

/// From which version on it is mended.
const MENDED: [(&str, [u64; 3]); 3] =
    [("h2", [0, 4, 16]), ("bytes", [1, 11, 1]), ("jsonwebtoken", [10, 3, 0])];

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All versions of a package in the lock file.
fn versions(lock: &str, package: &str) -> Vec<[u64; 3]> {
    let name = format!("name = \"{package}\"\nversion = \"");
    let versions = lock.split(&name).skip(1).map(|rest| rest.split('"').next().expect("a version"));
    let parts = versions
        .map(|version| version.split('.').map(|part| part.parse().expect("a number")).collect::<Vec<_>>());
    parts.map(|parts| parts.try_into().expect("three numbers")).collect()
}

#[test]
fn lockfile_advisories() {
    let lock = read("Cargo.lock");
    for (package, mended) in MENDED {
        let versions = versions(&lock, package);
        assert!(!versions.is_empty(), "{package} is not in Cargo.lock: take it off the list");
        for version in versions {
            assert!(version >= mended, "{package} {version:?} is older than {mended:?}");
        }
    }
    // Nothing is excused from the rest.
    let deny = read("deny.toml");
    let advisories = deny.split("[advisories]").nth(1).and_then(|rest| rest.split("\n[").next());
    let advisories = advisories.expect("there is a section of advisories");
    for setting in ["yanked = \"deny\"", "unmaintained = \"all\"", "unsound = \"all\"", "ignore = []"] {
        assert!(advisories.contains(setting), "deny.toml without {setting}");
    }
}
