//! The command `mcpw`.

mod admin;
mod api_key;
mod audit;
mod bench;
mod bridge;
mod call;
mod check_config;
mod completions;
mod context;
mod dev;
mod dev_file;
mod gateway;
mod health;
mod signals;
mod supervise;
mod token;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The WebSocket front door of an MCP platform.
#[derive(Debug, Parser)]
#[command(name = "mcpw", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a gateway with real tools on this machine, and print how to call it (the default).
    Dev(dev::Arguments),
    /// Run a gateway.
    Gateway(gateway::Sources),
    /// Run the context service, a backend of gateways.
    Context(context::Arguments),
    /// Run the bridge to servers of Model Context Protocol, a backend of gateways.
    Bridge(bridge::Arguments),
    /// Run one program, and end all that it has started once it or the process that started this one is gone.
    #[command(hide = true)]
    Supervise(supervise::Arguments),
    /// Check a configuration and print what is in force.
    CheckConfig(check_config::Arguments),
    /// Ask a gateway whether it is ready.
    Health(health::Arguments),
    /// Mint a token for development.
    Token(token::Arguments),
    /// API keys for machines.
    #[command(subcommand)]
    ApiKey(api_key::Command),
    /// Audit logs.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Call a method of a gateway.
    Call(call::Arguments),
    /// Look at a running gateway and change something of it.
    Admin(admin::Arguments),
    /// Put load on gateways and measure how they answer.
    Bench(bench::Arguments),
    /// Print completions for a shell.
    Completions(completions::Arguments),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command.unwrap_or(Command::Dev(dev::Arguments::default())) {
        Command::Dev(arguments) => dev::run(arguments),
        Command::Gateway(sources) => gateway::run(&sources),
        Command::Context(arguments) => context::run(&arguments),
        Command::Bridge(arguments) => bridge::run(&arguments),
        Command::Supervise(arguments) => supervise::run(&arguments),
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Health(arguments) => runtime().and_then(|runtime| runtime.block_on(health::run(arguments))),
        Command::Token(arguments) => token::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::ApiKey(command) => api_key::run(command).map(|()| ExitCode::SUCCESS),
        Command::Audit(command) => audit::run(&command),
        Command::Call(arguments) => runtime().and_then(|runtime| runtime.block_on(call::run(arguments))),
        Command::Admin(arguments) => runtime().and_then(|runtime| runtime.block_on(admin::run(arguments))),
        Command::Bench(arguments) => runtime().and_then(|runtime| runtime.block_on(bench::run(arguments))),
        Command::Completions(arguments) => completions::run(&arguments).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("mcpw: {error:#}\n"));
        ExitCode::FAILURE
    })
}

/// A runtime for everything that is not a shard.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
