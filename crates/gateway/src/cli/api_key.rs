//! `mcpw api-key new`: a fresh key on stderr, once, and the entry for the file of keys on stdout, so that
//! `mcpw api-key new … >> FILE` works.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use auth::ApiKeyEntry;

/// What can be done with API keys.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a key: its entry for auth.api_keys_file goes to stdout, the key itself to stderr, once.
    New(New),
}

/// Whose the key is.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct New {
    /// The tenant.
    #[arg(long)]
    tenant: String,
    /// The agent.
    #[arg(long)]
    agent: String,
    /// A scope; may be repeated. `*` grants everything.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How long the key counts: seconds, or like 90s, 15m, 1h, 7d. Without it, until its entry is removed.
    #[arg(long, value_parser = super::token::duration)]
    ttl: Option<Duration>,
}

/// Prints the entry on stdout and the key on stderr, each with a line break.
///
/// # Errors
///
/// A member is out of its bounds, or one of both is closed.
pub(super) fn run(Command::New(new): Command) -> anyhow::Result<()> {
    let (key, entry) = ApiKeyEntry::fresh(&new.tenant, &new.agent, new.scopes, new.ttl)?;
    // JSON is YAML too.
    let entry = serde_json::to_string(&entry)?;
    writeln!(std::io::stdout().lock(), "- {entry}").context("can't write the entry to stdout")?;
    writeln!(std::io::stderr().lock(), "{key}").context("can't write the key to stderr")
}
