//! What the conformance suite finds of the platform, as tables. `cargo xtask conformance --mcp` installs all it takes and starts it.
#![allow(clippy::print_stdout, reason = "printing tables is what it is for")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use tests::conformance::{Platform, Suite, VERSIONS};

/// Runs the conformance suite of Model Context Protocol against a server behind the bridge, and against the platform alone.
#[derive(Debug, Parser)]
#[command(name = "conformance")]
struct Options {
    /// The program mcpw.
    #[arg(long, value_name = "FILE")]
    gateway: PathBuf,
    /// The server that has what the suite calls.
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// Where the suite is installed.
    #[arg(long, value_name = "FOLDER")]
    suite: PathBuf,
    /// What the platform alone can't pass.
    #[arg(long, value_name = "FILE")]
    expected: PathBuf,
    /// Where the findings are left.
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    tests::program::end(run(&Options::parse()))
}

/// Whether all is as it should be.
fn run(options: &Options) -> Result<bool> {
    let suite = Suite::at(&options.suite)?;
    // The processes have folders of their own.
    let gateway = std::path::absolute(&options.gateway)?;
    let server = std::path::absolute(&options.server)?;
    let mut is_good = true;
    // A server with sessions that all share has nobody to ask where a client without one has left it waiting: only clients with sessions
    // are tried with it.
    for (era, versions) in [("modern", &VERSIONS[..]), ("legacy", &VERSIONS[..1])] {
        let platform = Platform::with_server(&gateway, &server, era, "test_simple_text")?;
        for version in versions {
            let folder = options.folder.join(format!("{version}-{era}"));
            let started = Instant::now();
            let report = suite.run(&platform.url(), version, None, &folder)?;
            let seconds = started.elapsed().as_secs();
            println!("\n{version}, a {era} server behind the bridge, {seconds} s\n{report}");
            is_good &= report.is_good() && report.failed() == 0;
        }
    }
    let platform = Platform::alone(&gateway)?;
    for version in VERSIONS {
        let folder = options.folder.join(format!("{version}-alone"));
        let report = suite.run(&platform.url(), version, Some(&options.expected), &folder)?;
        let verdict = if report.is_good() { "all others passed" } else { "NOT as expected" };
        println!(
            "\n{version}, the platform alone: failures are those of {}, {verdict}\n{report}",
            options.expected.display()
        );
        is_good &= report.is_good();
    }
    println!("\n{}", if is_good { "all is as it should be" } else { "something failed" });
    Ok(is_good)
}
