//! A program whose instructions are counted, by Valgrind's Callgrind. Knows how it is told to count and where it writes; refuses to
//! know what is run meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::server::Process;

/// A process under Callgrind, which counts from [`Counted::begin`] on.
#[derive(Debug)]
pub(crate) struct Counted {
    process: Process,
    /// What the files begin with that it writes, a number behind it.
    out: PathBuf,
    laps: u32,
}

impl Counted {
    /// Starts a program of which nothing is counted yet. What it prints goes to a file beside the counts.
    ///
    /// # Errors
    /// If Valgrind can't be started.
    pub(crate) fn start(program: &Command, folder: &Path, name: &str) -> Result<Self> {
        let folder = folder.join(name);
        // What an earlier run counted must not be taken for this one's.
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let out = folder.join("callgrind");
        let mut command = under_callgrind(program, &out);
        // A gateway is idle most of the time, and hears what it is told once in so many steps.
        command.args(["--instr-atstart=no", "--vgdb-poll=100"]);
        let command = with_program(command, program);
        let process = Process::start(command, None, &folder.join("log"))?;
        Ok(Self { process, out, laps: 0 })
    }

    /// From now on it counts, which makes it slow.
    ///
    /// # Errors
    /// If the process has ended.
    pub(crate) fn begin(&self) -> Result<()> {
        self.tell(&["instrumentation", "on"])
    }

    /// The instructions of all its threads since the last lap, or the beginning.
    ///
    /// # Errors
    /// If the process has ended, or nothing was counted.
    pub(crate) fn lap(&mut self) -> Result<u64> {
        self.tell(&["dump", "lap"])?;
        self.laps += 1;
        let mut file = self.out.clone().into_os_string();
        file.push(format!(".{}", self.laps));
        total(Path::new(&file))
    }

    fn tell(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new("vgdb");
        // It listens by itself, so that nobody has to be allowed to trace it.
        command
            .arg(format!("--pid={}", self.process.id()))
            .args(["--max-invoke-ms=0", "--wait=30"])
            .args(words);
        let output = command.output().context("could not start vgdb, which comes with Valgrind")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "Callgrind was told `{}`: {said}", words.join(" "));
        Ok(())
    }
}

/// The instructions of a program from its start to its end.
///
/// # Errors
/// If it fails, or Valgrind can't be started.
pub(crate) fn whole(program: &Command, folder: &Path) -> Result<u64> {
    fs::create_dir_all(folder)?;
    let out = folder.join("callgrind");
    let output = with_program(under_callgrind(program, &out), program).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", program.get_program().display());
    total(&out)
}

/// What Valgrind calls itself.
///
/// # Errors
/// If it can't be started.
pub(crate) fn version() -> Result<String> {
    let output = Command::new("valgrind").arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn under_callgrind(program: &Command, out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
    for (key, value) in program.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    command
}

fn with_program(mut valgrind: Command, program: &Command) -> Command {
    valgrind.arg(program.get_program()).args(program.get_args());
    valgrind
}

fn total(file: &Path) -> Result<u64> {
    let text =
        fs::read_to_string(file).with_context(|| format!("nothing was counted: {}", file.display()))?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    let total = total.and_then(|total| total.trim().parse().ok());
    total.filter(|total| *total > 0).with_context(|| format!("no total in {}", file.display()))
}
