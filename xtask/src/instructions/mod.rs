//! How many instructions the hot paths take, beside what is written down in `xtask/instructions.json`. A count says what time
//! can't on a machine that is shared: the same work is the same number, whatever else runs.

mod counted;
mod paths;
mod record;
mod subject;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::paths::{PATHS, Spec};
use self::record::{Record, SLACK, Verdict};
use self::subject::{Gateway, Programs};
use crate::bench::budget::{Spread, grouped};
use crate::test::system::{VALGRIND, install_missing};
use crate::workspace::target;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Writes what is counted down, as what later counts are held to.
    #[arg(long)]
    record: bool,
    /// Counts in the programs in this folder instead of building them.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Counts only paths whose names have this in them.
    #[arg(long, value_name = "PART", conflicts_with = "record")]
    only: Option<String>,
}

/// Decoders and encoders by themselves, each with a message of its own: names that the example knows.
const CODECS: [&str; 7] = [
    "decode JSON, short",
    "decode JSON, long",
    "decode JSON, batch of 10",
    "decode JSON, 60 KB",
    "decode binary",
    "encode JSON",
    "encode binary",
];
/// How often a codec is run in the shorter of two laps.
const CODEC_COUNT: u32 = 1_000;
/// How often both laps of a path are counted.
const PAIRS: usize = 5;

pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = |name: &str| options.only.as_ref().is_none_or(|part| name.contains(part.as_str()));
    let all: Vec<_> = CODECS.into_iter().chain(PATHS.map(|spec| spec.name)).collect();
    ensure!(all.iter().any(|name| wanted(name)), "no path is called so; there are: {}", all.join("; "));
    install_missing("counting instructions needs", &[VALGRIND])?;
    let counted_by = counted_by()?;
    let programs = Programs::ready(options.programs.as_deref())?;
    let written = if options.record { Record::default() } else { Record::read()? };
    if !written.instructions.is_empty() && written.counted_by != counted_by {
        eprintln!("note: what is written down was counted by {}, this by {counted_by}", written.counted_by);
    }
    let mut found = Record { counted_by, ..Record::default() };
    println!("{:<42} {:>12} {:>12} {:>12} {:>8}", "instructions", "counted", "at most", "written", "change");
    for name in CODECS.into_iter().filter(|name| wanted(name)) {
        let count = codec(&programs, name)?;
        report(name, Spread::once(count), &written, &mut found);
    }
    for spec in PATHS.iter().filter(|spec| wanted(spec.name)) {
        let spread = path(&programs, spec).with_context(|| spec.name)?;
        report(spec.name, spread, &written, &mut found);
    }
    if options.record {
        found.write()?;
        println!("wrote {}", Record::file().display());
        return Ok(());
    }
    let with = |wanted: &[Verdict]| {
        let counts = found.instructions.iter();
        let names = counts.filter(|(name, count)| wanted.contains(&written.judge(name, **count)));
        names.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("; ")
    };
    let better = with(&[Verdict::Better]);
    if !better.is_empty() {
        println!("fewer than written down: {better}; `cargo xtask instructions --record` writes it down");
    }
    let worse = with(&[Verdict::Worse, Verdict::New]);
    ensure!(
        worse.is_empty(),
        "over what is written down by {:.0} % or more, or new: {worse}; if that is as it has to be, write it down with \
         `cargo xtask instructions --record` and say why in the commit",
        SLACK * 100.0
    );
    Ok(())
}

fn report(name: &str, spread: Spread, written: &Record, found: &mut Record) {
    // The least: what the gateway did besides, which a starved one does more of, is in the others.
    let Spread { min, max, .. } = spread;
    let before = written.instructions.get(name);
    let change = before.map_or_else(String::new, |before| format!("{:+.1} %", (min / before - 1.0) * 100.0));
    let verdict = match written.judge(name, min) {
        Verdict::Worse => "FAIL",
        Verdict::Better | Verdict::Same | Verdict::New => "",
    };
    let line = format!(
        "{name:<42} {:>12} {:>12} {:>12} {change:>8} {verdict}",
        grouped(min, 0),
        grouped(max, 0),
        before.map_or_else(String::new, |before| grouped(*before, 0)),
    );
    println!("{}", line.trim_end());
    found.instructions.insert(name.to_owned(), min);
}

/// What one run of a codec takes: start and end of the program are the same for any count.
fn codec(programs: &Programs, name: &str) -> Result<f64> {
    let folder = target()?.join("instructions").join("codec");
    let run = |count| counted::whole(&programs.codec(name, count), &folder);
    Ok((run(2 * CODEC_COUNT)? as f64 - run(CODEC_COUNT)? as f64) / f64::from(CODEC_COUNT))
}

/// What one message of a path takes. Whatever the gateway does besides is in both laps, and falls out.
fn path(programs: &Programs, spec: &Spec) -> Result<Spread> {
    let folder = target()?.join("instructions");
    let mut gateway = Gateway::start(programs, &folder, "gateway")?;
    let mut path = spec.open(&gateway)?;
    // Buffers grow, and pages of code are seen for the first time.
    path.walk(spec.count)?;
    gateway.counted.begin()?;
    path.walk(spec.count)?;
    gateway.counted.lap()?;
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        path.walk(spec.count)?;
        once.push(gateway.counted.lap()? as f64);
        path.walk(2 * spec.count)?;
        twice.push(gateway.counted.lap()? as f64);
    }
    between(once, twice)
        .map(|spread| spread.scaled(1.0 / (spec.count * spec.weight) as f64))
        .context("no laps")
}

/// What the longer laps have more than the least of the shorter ones. What the gateway does besides makes a lap more, never less: a
/// difference of two laps that were counted side by side would be too small where the shorter one has it.
fn between(once: Vec<f64>, twice: Vec<f64>) -> Option<Spread> {
    let (once, twice) = (Spread::of(once)?.min, Spread::of(twice)?);
    Some(Spread { median: twice.median - once, min: twice.min - once, max: twice.max - once })
}

/// What a count depends on beside the code.
fn counted_by() -> Result<String> {
    let valgrind = counted::version()?;
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().with_context(|| program.to_owned())?;
        anyhow::Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let rustc = said("rustc", "--version")?;
    let rustc = rustc.split(" (").next().unwrap_or_default();
    Ok(format!("{rustc}, {}, {valgrind}", said("getconf", "GNU_LIBC_VERSION")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lap_does_besides_makes_no_path_cheaper() {
        let spread = between(vec![100.0, 190.0, 101.0], vec![202.0, 200.0, 260.0]).expect("there are laps");
        assert_eq!(spread, Spread { median: 102.0, min: 100.0, max: 160.0 });
        assert_eq!(between(Vec::new(), Vec::new()), None);
    }
}
