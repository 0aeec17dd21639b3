//! `mcpw completions`: what a shell needs to complete the command line of `mcpw`.

use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Whose they are.
    shell: Shell,
}

/// # Errors
/// Stdout is closed.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // The generator panics where its writer fails, so it writes to memory.
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "mcpw", &mut text);
    std::io::stdout().lock().write_all(&text)?;
    Ok(())
}
