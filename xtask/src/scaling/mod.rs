//! How far pods and their Redis scale: measured costs, a model of them, and the page that says so.

mod fleet;
mod inputs;
mod measure;
mod model;
mod page;
mod table;

use std::path::PathBuf;

use anyhow::{Result, ensure};

use self::inputs::Inputs;
use crate::workspace::{build_release, target};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measures pods on a Redis of its own, and writes what was found to `xtask/scaling.json`.
    #[arg(long)]
    measure: bool,
    /// Writes the tables into `docs/scaling.md`.
    #[arg(long)]
    write: bool,
    /// With how many pods at most it is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=8), requires = "measure")]
    pods: u64,
    /// Measures the programs in this folder instead of building them.
    #[arg(long, value_name = "FOLDER", requires = "measure")]
    programs: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut inputs = Inputs::read()?;
    if options.measure {
        let programs = match &options.programs {
            Some(folder) => folder.clone(),
            None => build_release(&["gateway", "tools"])?,
        };
        let folder = target()?.join("scaling");
        let mut found = Vec::new();
        for pods in 1..=options.pods {
            eprintln!("measuring {pods} of {} pods", options.pods);
            found.push(measure::run(&programs, pods as usize, &folder)?);
            // What is known stays known, whatever becomes of the rest.
            inputs = inputs.write(&found)?;
        }
    }
    let tables = model::tables(&inputs)?;
    for (name, table) in &tables {
        println!("{name}\n\n{}", table.markdown());
    }
    let page = page::read()?;
    let written = page::with(&page, &tables)?;
    if options.write {
        page::write(&written)?;
    } else {
        ensure!(
            page == written,
            "docs/scaling.md is not what the model says; run `cargo xtask scaling --write`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_the_page_are_the_models() {
        let tables = model::tables(&Inputs::read().expect("measurements")).expect("tables");
        let page = page::read().expect("the page");
        let written = page::with(&page, &tables).expect("a place for each table");
        assert_eq!(page, written, "run `cargo xtask scaling --write`");
    }

    #[test]
    fn more_pods_cost_a_redis_as_many_commands_as_the_model_says() {
        let inputs = Inputs::read().expect("measurements");
        assert_eq!(inputs.pods().collect::<Vec<_>>(), [1, 2, 3]);
        for pods in inputs.pods() {
            for name in ["session opened", "session resumed", "call", "event"] {
                let model = model::at(&inputs, pods, name).expect("it was measured");
                let found = inputs.cost(pods, name).expect("it was measured");
                let ratio = found.commands / model.commands;
                assert!((0.9..1.1).contains(&ratio), "{name} with {pods} pods: {ratio}");
            }
        }
    }
}
