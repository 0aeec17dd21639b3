//! Prints one of the files that are made: `cargo xtask generate` keeps them.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use anyhow::Context;
use dashboards::{Pace, files};

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("which file?")?;
    let file = files(Pace::SHIPPED).into_iter().find(|file| file.path == path);
    print!("{}", file.with_context(|| format!("{path} is not made here"))?.text);
    Ok(())
}
