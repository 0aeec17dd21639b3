//! Pictures of the dashboards for the documentation: three pods under load, what Prometheus has of them, and Grafana's own
//! components in a browser without a window. Knows the programs; what is drawn is the affair of `tests/pictures`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::{cargo, root, step, target};

/// Where they are kept.
const PICTURES: &str = "docs/pictures";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// For how long the pods are under load before they are looked at.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(30..))]
    seconds: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let sources = root().join("tests/pictures");
    let folder = target()?.join("pictures");
    fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json", "page.jsx", "page.html"] {
        fs::copy(sources.join(name), folder.join(name)).with_context(|| name.to_owned())?;
    }
    let npm = ["ci", "--no-audit", "--no-fund", "--no-update-notifier"];
    step(Command::new("npm").args(npm).current_dir(&folder))?;
    let esbuild = [
        "page.jsx",
        "--bundle",
        "--outfile=page.js",
        "--jsx=automatic",
        "--loader:.svg=dataurl",
        "--loader:.ttf=dataurl",
        "--define:process.env.NODE_ENV=\"production\"",
    ];
    step(Command::new(folder.join("node_modules/.bin/esbuild")).args(esbuild).current_dir(&folder))?;

    step(cargo().args(["build", "--package", "tests", "--bin", "watched", "--bin", "mcpw-under-test"]))?;
    let programs = target()?.join("debug");
    let answers = folder.join("answers.json");
    let mut watched = Command::new(programs.join("watched"));
    watched.args(["--seconds", &options.seconds.to_string(), "--out"]).arg(&answers);
    step(watched.arg("--gateway").arg(programs.join("mcpw-under-test")))?;
    let text = fs::read_to_string(&answers)?;
    fs::write(folder.join("answers.js"), format!("window.answers = {text};\n"))?;

    fs::create_dir_all(root().join(PICTURES))?;
    let boards: Vec<Value> = serde_json::from_str(&text)?;
    boards
        .iter()
        .try_for_each(|board| draw(&board["board"], &format!("file://{}/page.html", folder.display())))
}

/// Has the page draw a dashboard.
fn draw(board: &Value, page: &str) -> Result<()> {
    /// As the page has it.
    const LINE: u64 = 38;
    let uid = board["uid"].as_str().context("a dashboard has a uid")?;
    let last =
        board["panels"].as_array().and_then(|panels| panels.last()).context("a dashboard has panels")?;
    let below = |key: &str| last["gridPos"][key].as_u64().unwrap_or_default();
    let picture = root().join(PICTURES).join(format!("{uid}.png"));
    let mut chromium = Command::new("chromium");
    chromium
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--log-level=3"])
        .args(["--virtual-time-budget=10000", "--allow-file-access-from-files"])
        .arg(format!("--window-size=1440,{}", (below("y") + below("h")) * LINE))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("{page}#{uid}"));
    step(&mut chromium).context("pictures need chromium: apt-get install --no-install-recommends chromium")
}
