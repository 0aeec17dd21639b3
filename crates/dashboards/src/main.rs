//! Writes the files below `deploy/` that are made from the catalogue, or tells which of them are not as they would be made.

#![allow(clippy::print_stdout, reason = "printing is what a command-line tool is for")]

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Parser;
use dashboards::{Pace, files};

#[derive(Debug, Parser)]
#[command(about = "Dashboards and rules from the catalogue of instruments.")]
struct Arguments {
    /// The root of the repository.
    root: PathBuf,
    /// Write nothing; fail if a file is not as it would be made.
    #[arg(long)]
    check: bool,
}

fn main() -> Result<()> {
    let Arguments { root, check } = Arguments::parse();
    let mut stale = Vec::new();
    for file in files(Pace::SHIPPED)? {
        let path = root.join(file.path);
        if fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        stale.push(file.path);
        if !check {
            let folder = path.parent().context("a file is in a folder")?;
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            fs::write(&path, file.text).with_context(|| path.display().to_string())?;
            println!("{}", file.path);
        }
    }
    if check && !stale.is_empty() {
        bail!("not as the catalogue has it: {}; please run `cargo xtask generate`", stale.join(", "));
    }
    Ok(())
}
