//! A release has in it what it should, and is the same whoever packs it, and when.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "1.2.3";

/// Programs that say their version, and know completions: the packer sees no more of them.
fn programs(folder: &Path) -> PathBuf {
    let folder = folder.join("programs");
    fs::create_dir(&folder).expect("the folder is ours");
    for name in ["mcpw", "mcpw-tools"] {
        let script =
            format!("#!/bin/sh\ncase $1 in --version) echo {name} {VERSION};; *) echo \"$@\";; esac\n");
        let file = folder.join(name);
        fs::write(&file, script).expect("the folder is ours");
        fs::set_permissions(&file, PermissionsExt::from_mode(0o700)).expect("the file is ours");
    }
    folder
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the program writes UTF-8")
}

fn pack(programs: &Path, out: &Path) -> PathBuf {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("dist").arg("--programs").arg(programs).arg("--out").arg(out);
    run(&mut command).trim_end().into()
}

#[test]
fn an_archive_has_all_of_a_release_and_checks_itself() {
    let folder = tempfile::TempDir::new().expect("the system has a folder for temporary files");
    let out = folder.path().join("out");
    let archive = pack(&programs(folder.path()), &out);
    run(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&out));
    run(Command::new("tar").arg("--extract").arg("--file").arg(&archive).current_dir(folder.path()));
    let name = archive.file_name().and_then(|name| name.to_str()).expect("a plain name");
    assert!(name.starts_with(&format!("mcpw-{VERSION}-")), "{name}");
    let root = folder.path().join(name.trim_end_matches(".tar.gz"));
    for path in [
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "docs/deployment.md",
        "docs/two-pods.md",
        "proto/mcpw/v1/backend.proto",
        "examples/backend-python/backend.py",
        "deploy/config/mcpw.yaml",
        "deploy/helm/mcpw/Chart.yaml",
        "deploy/kubernetes/base/kustomization.yaml",
        "deploy/lb/haproxy.cfg",
        "deploy/systemd/mcpw.service",
        "completions/_mcpw",
        "completions/mcpw.fish",
    ] {
        assert!(root.join(path).is_file(), "no {path}");
    }
    assert_eq!(fs::read_to_string(root.join("completions/mcpw")).expect("it is there"), "completions bash\n");
    assert_eq!(
        run(Command::new(root.join("bin/mcpw-tools")).arg("--version")),
        format!("mcpw-tools {VERSION}\n")
    );
    let checked =
        run(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&root));
    let files = run(Command::new("find").args([".", "-type", "f"]).current_dir(&root));
    assert_eq!(
        checked.lines().count() + 1,
        files.lines().count(),
        "each file but the sums themselves is summed"
    );
}

#[test]
fn the_same_release_is_the_same_to_the_bit() {
    let folder = tempfile::TempDir::new().expect("the system has a folder for temporary files");
    let programs = programs(folder.path());
    let first = pack(&programs, &folder.path().join("first"));
    // Others would have another owner, time and umask.
    for name in ["mcpw", "mcpw-tools"] {
        let file = fs::File::open(programs.join(name)).expect("the file is ours");
        file.set_modified(std::time::UNIX_EPOCH).expect("the file is ours");
        fs::set_permissions(programs.join(name), PermissionsExt::from_mode(0o555)).expect("the file is ours");
    }
    let second = pack(&programs, &folder.path().join("second"));
    assert!(fs::read(first).expect("it was packed") == fs::read(second).expect("it was packed"));
}
