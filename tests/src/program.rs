//! What the programs of this crate have in common: where they find `mcpw`, and how they end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

/// The program `mcpw` that was given, or else the one beside this program, wherever what starts it is.
///
/// # Errors
/// The system does not say where this program is.
pub fn gateway(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(file) => std::path::absolute(file).with_context(|| file.display().to_string()),
        None => Ok(std::env::current_exe()?.with_file_name("mcpw")),
    }
}

/// How a program ends that tells by `true` that all was well. An error goes to standard error.
#[allow(clippy::print_stderr, reason = "a program says why it has failed")]
pub fn end(outcome: Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
