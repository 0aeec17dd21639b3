//! `mcpw audit`: looks at audit logs.

use crate::audit::verify;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check that no line of an audit log was changed, removed or moved. Says the first that is wrong.
    Verify(Files),
}

#[derive(Debug, clap::Args)]
pub(super) struct Files {
    /// The files of one log, the oldest first.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Verify(Files { files }) = command;
    let verified = verify(files)?;
    let mut out = std::io::stdout();
    write!(out, "{} lines, all as they were written", verified.lines)?;
    if verified.torn > 0 {
        write!(out, ", {} of them cut short, as the lines behind them say", verified.torn)?;
    }
    writeln!(out, "; the hash of the last is {}", verified.hash)?;
    Ok(ExitCode::SUCCESS)
}
