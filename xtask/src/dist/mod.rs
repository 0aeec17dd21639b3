//! A release as one archive, the same to the bit whenever it is packed from the same commit and programs. Knows what belongs
//! into it; how bytes are laid out is `archive.rs`.

mod archive;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{build_release_programs, root, step, target};
use archive::{Archive, digest};

/// The programs, and the packages that they are built of.
const PROGRAMS: [(&str, &str); 2] = [("gateway", "mcpw"), ("tools", "mcpw-tools")];
/// What is packed besides, as git knows it.
const SOURCES: [&str; 10] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "deploy",
    "docs",
    "examples",
    "proto",
];
/// Shells, and the names that they look for completions of mcpw under.
const SHELLS: [(&str, &str); 3] = [("bash", "mcpw"), ("fish", "mcpw.fish"), ("zsh", "_mcpw")];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A folder with programs that are built already; they must run on this machine. Otherwise they are built.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Where the archive and SHA256SUMS are written; by default target/dist.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How hard gzip tries: 1 is fast, 9 is small.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u8).range(1..=9))]
    level: u8,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = match &options.programs {
        Some(folder) => folder.clone(),
        None => build_release_programs(&PROGRAMS)?,
    };
    let out = match &options.out {
        Some(folder) => folder.clone(),
        None => target()?.join("dist"),
    };
    fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    let (path, sum) = pack(&programs, &out, options.level)?;
    let name = path.file_name().context("an archive has a name")?.to_string_lossy();
    fs::write(out.join("SHA256SUMS"), format!("{sum}  {name}\n"))?;
    println!("{}", path.display());
    Ok(())
}

/// Writes the archive; its path and its digest.
fn pack(programs: &Path, out: &Path, level: u8) -> Result<(PathBuf, String)> {
    let name = format!("mcpw-{}-{}", version(programs)?, host()?);
    let time = git(&["log", "-1", "--format=%ct"])?.trim().parse().context("the time of the last commit")?;
    let mut archive = Archive::new(&name, time);
    for (_, program) in PROGRAMS {
        archive.program(&format!("bin/{program}"), read(&programs.join(program))?);
    }
    for (shell, file) in SHELLS {
        let text = output(Command::new(programs.join("mcpw")).args(["completions", shell]))?;
        archive.file(&format!("completions/{file}"), text.into_bytes());
    }
    // What git does not know is some secret, or the leftover of a try.
    let list = git(&[&["ls-files", "-z", "--"][..], &SOURCES].concat())?;
    for path in list.split_terminator('\0') {
        archive.file(path, read(&root().join(path))?);
    }
    let tar = out.join(format!("{name}.tar"));
    fs::write(&tar, archive.finish()?).with_context(|| tar.display().to_string())?;
    // Without the name and the time that it would put into its header. In a build for development it is much faster than ours.
    step(Command::new("gzip").args([&format!("-{level}"), "--no-name", "--force"]).arg(&tar))?;
    let path = out.join(format!("{name}.tar.gz"));
    let sum = digest(&read(&path)?);
    Ok((path, sum))
}

/// As `mcpw --version` tells it.
fn version(programs: &Path) -> Result<String> {
    let line = output(Command::new(programs.join("mcpw")).arg("--version"))?;
    let version = line.split_whitespace().nth(1).context("`mcpw --version` tells no version")?;
    Ok(version.to_owned())
}

/// For whom rustc builds here.
fn host() -> Result<String> {
    let told = output(Command::new("rustc").arg("-vV").current_dir(root()))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` tells no host")?.to_owned())
}

fn git(arguments: &[&str]) -> Result<String> {
    output(Command::new("git").args(arguments).current_dir(root()))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("could not start {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}
