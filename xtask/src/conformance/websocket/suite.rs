//! The test suite on this machine: a Python environment of its own, the two packages, converted to Python 3.
//! Installed once; a stamp tells whether what is there was made from the same parts.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::step;

const REQUIREMENTS: &str = include_str!("requirements.txt");
const CONVERT: &str = include_str!("convert.py");
const FUZZ: &str = include_str!("fuzz.py");

/// The suite is published for Python 2 only, so pip is asked as if it were one.
const TESTSUITE: &str = "autobahntestsuite==25.10.1 \
    --hash=sha256:b57ee6b22de624a03256878ad453c9897d2ad7ee08a4c38b35ee2847637e1383";
const AUTOBAHN: &str = "autobahn==0.10.9 \
    --hash=sha256:3fecc1e2a26a0421128ddcfb4e577f0bc669dd65d0e0fdad1c773965cbcef75a";

/// Tried in this order. From 3.13 on there is no lib2to3.
const PYTHONS: [&str; 6] = ["python3.11", "python3", "python3.12", "python3.10", "python3.9", "python"];

/// An installed suite.
#[derive(Debug)]
pub(crate) struct Suite {
    folder: PathBuf,
}

impl Suite {
    /// The fuzzing client, to be run with this specification.
    pub(crate) fn fuzzer(&self, spec: &Path) -> Command {
        let mut command = Command::new(self.folder.join("venv/bin/python"));
        command.arg(self.folder.join("fuzz.py")).arg(self.folder.join("suite")).arg(spec);
        command
    }
}

/// Installs the suite into `folder`, or finds it there.
pub(crate) fn install(folder: &Path) -> Result<Suite> {
    let stamp = folder.join("stamp");
    let parts = [REQUIREMENTS, TESTSUITE, AUTOBAHN, CONVERT, FUZZ].join("\n");
    let suite = Suite { folder: folder.to_owned() };
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == parts) {
        return Ok(suite);
    }
    for old in ["venv", "packages", "suite", "reports"] {
        match std::fs::remove_dir_all(folder.join(old)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    std::fs::create_dir_all(folder)?;
    step(Command::new(python()?).args(["-m", "venv"]).arg(folder.join("venv")))?;
    let file = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))?;
        anyhow::Ok(path)
    };
    let packages = folder.join("packages");
    step(pip(folder, &["install"]).arg("-r").arg(file("requirements.txt", REQUIREMENTS)?))?;
    step(
        pip(folder, &["download", "--no-deps", "--only-binary=:all:"])
            .args(["--python-version=2.7", "--implementation=py", "--abi=none", "--platform=any", "-d"])
            .arg(&packages)
            .arg("-r")
            .arg(file("testsuite.txt", TESTSUITE)?),
    )?;
    step(
        pip(folder, &["download", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "-d"])
            .arg(&packages)
            .arg("-r")
            .arg(file("autobahn.txt", AUTOBAHN)?),
    )?;
    file("fuzz.py", FUZZ)?;
    step(
        Command::new(folder.join("venv/bin/python"))
            .arg(file("convert.py", CONVERT)?)
            .arg(package(&packages, ".whl")?)
            .arg(package(&packages, ".tar.gz")?)
            .arg(folder.join("suite")),
    )?;
    std::fs::write(&stamp, parts)?;
    Ok(suite)
}

fn pip(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(folder.join("venv/bin/python"));
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).args(arguments);
    command
}

fn package(packages: &Path, ending: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir(packages)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            return Ok(path);
        }
    }
    bail!("pip left no {ending} in {}", packages.display())
}

fn python() -> Result<&'static str> {
    let fits = |python: &&str| {
        Command::new(python)
            .args(["-W", "ignore", "-c", "import ensurepip, lib2to3.refactor, venv"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    PYTHONS.into_iter().find(fits).context(
        "the conformance suite needs Python 3.9 to 3.12 with venv and lib2to3; 3.11 is the version that it is tested with:\n  \
         Debian, Ubuntu:  apt install python3 python3-venv python3-lib2to3\n  \
         Fedora:          dnf install python3.11\n  \
         macOS:           brew install python@3.11",
    )
}
