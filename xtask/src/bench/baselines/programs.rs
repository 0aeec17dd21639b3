//! How each baseline is started. Those in other languages are installed or built below the target folder at first.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum as _;

use super::Kind;
use crate::test::clients;
use crate::workspace::{root, step, target};

/// A server that sends back what it gets.
#[derive(Debug)]
pub(crate) struct Baseline {
    pub(crate) name: &'static str,
    pub(crate) command: Command,
    /// That the gateway is to be ahead of it by a factor.
    pub(crate) is_rival: bool,
}

/// The folder of the programs in other languages.
fn sources() -> PathBuf {
    root().join("xtask/src/bench/baselines")
}

/// Sends back what it gets and checks nothing: the limit.
///
/// # Errors
/// This program can't be found.
pub(crate) fn limit() -> Result<Baseline> {
    rust("epoll: the limit", Kind::Epoll, false)
}

/// All of them; the first one is the limit, the second what the gateway is built on. Those in Go only if they are asked for.
///
/// # Errors
/// If one can't be installed or built.
pub(crate) fn commands(go: bool) -> Result<Vec<Baseline>> {
    let mut all = vec![
        limit()?,
        rust("fastwebsockets", Kind::Fastwebsockets, false)?,
        rust("fastwebsockets, coalesced", Kind::FastwebsocketsCoalesced, false)?,
        rust("tokio-tungstenite", Kind::Tungstenite, true)?,
        rust("tokio-tungstenite, coalesced", Kind::TungsteniteCoalesced, false)?,
        node()?,
    ];
    if go {
        let program = build_go()?;
        for (name, library) in [("gorilla/websocket (Go)", "gorilla"), ("nhooyr.io/websocket (Go)", "nhooyr")]
        {
            let mut command = Command::new(&program);
            command.arg(library).env("GOMAXPROCS", "1");
            all.push(Baseline { name, command, is_rival: true });
        }
    }
    Ok(all)
}

fn rust(name: &'static str, kind: Kind, is_rival: bool) -> Result<Baseline> {
    let mut command = Command::new(std::env::current_exe()?);
    let value = kind.to_possible_value().context("every kind has a name")?;
    command.arg("serve-baseline").arg(value.get_name());
    Ok(Baseline { name, command, is_rival })
}

fn node() -> Result<Baseline> {
    let folder = target()?.join("baselines/node");
    clients::node(&folder, &sources().join("node")).context(
        "the baseline `ws` needs Node and npm: apt-get install --no-install-recommends nodejs npm",
    )?;
    std::fs::copy(sources().join("node/echo.mjs"), folder.join("echo.mjs"))?;
    let mut command = Command::new("node");
    command.arg(folder.join("echo.mjs")).env("NODE_ENV", "production");
    Ok(Baseline { name: "ws (Node)", command, is_rival: true })
}

fn build_go() -> Result<PathBuf> {
    let program = target()?.join("baselines/go-echo");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg("main.go").current_dir(sources().join("go"));
    // The libraries are those that Debian packs.
    build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    step(&mut build).context(
        "the baselines in Go need its tools and libraries: apt-get install --no-install-recommends golang-go \
         golang-github-gorilla-websocket-dev golang-nhooyr-websocket-dev",
    )?;
    Ok(program)
}
