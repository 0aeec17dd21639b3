//! Tool calls through the gateway to a backend in a process of its own, and back.
use anyhow::Result;

use super::budget::Budgets;
use super::subject::Programs;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {}

pub(crate) fn run(_: &Options, _: &Programs, _: &mut Budgets) -> Result<()> {
    anyhow::bail!("todo")
}
