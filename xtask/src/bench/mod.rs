//! The gateway against its budgets, measured from outside: CPU and memory of its process, answers at its socket.

pub(crate) mod baseline;
pub(crate) mod budget;
mod calls;
mod context;
mod crowd;
mod echo;
pub(crate) mod events;
mod fanout;
pub(crate) mod frames;
mod idle;
mod load;
mod postgres;
mod secure;
mod slow;
pub(crate) mod socket;
mod stream;
pub(crate) mod subject;
pub(crate) mod wire;
pub(crate) mod writes;

use anyhow::{Result, ensure};

use self::budget::Budgets;
use self::subject::Programs;
use crate::affinity::warn_of_other_load;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// Memory and CPU of connections that do nothing.
    Idle {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: idle::Options,
    },
    /// Server CPU for each echo, beside a bare fastwebsockets server.
    Echo {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: echo::Options,
    },
    /// Tool calls through the gateway to a backend process and back.
    Calls {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: calls::Options,
    },
    /// The methods of contexts, over a hundred thousand of them in each database.
    Context {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: context::Options,
    },
    /// Events to thousands of subscribers.
    Fanout {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: fanout::Options,
    },
    /// Memory of subscribers that stop reading for a while.
    Slow {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        options: slow::Options,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Ends with an error if a budget does not hold.
    #[arg(long)]
    check: bool,
    /// Measures the programs in this folder instead of building them.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<std::path::PathBuf>,
}

pub(crate) fn run(bench: &Bench) -> Result<()> {
    let (Bench::Idle { common, .. }
    | Bench::Echo { common, .. }
    | Bench::Calls { common, .. }
    | Bench::Context { common, .. }
    | Bench::Fanout { common, .. }
    | Bench::Slow { common, .. }) = bench;
    let programs = Programs::ready(common.programs.as_deref())?;
    warn_of_other_load()?;
    let mut budgets = Budgets::default();
    match bench {
        Bench::Idle { options, .. } => idle::run(options, &programs, &mut budgets)?,
        Bench::Echo { options, .. } => echo::run(options, &programs, &mut budgets)?,
        Bench::Calls { options, .. } => calls::run(options, &programs, &mut budgets)?,
        Bench::Context { options, .. } => context::run(options, &programs, &mut budgets)?,
        Bench::Fanout { options, .. } => fanout::run(options, &programs, &mut budgets)?,
        Bench::Slow { options, .. } => slow::run(options, &programs, &mut budgets)?,
    }
    ensure!(!common.check || budgets.failed() == 0, "{} budgets do not hold", budgets.failed());
    Ok(())
}
