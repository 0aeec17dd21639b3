//! Connections as they are set up: the upgrade with its token, and a session that can be resumed, one after the other.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::budget::{Bound, Budgets, Spread};
use super::generator::{Generator, Target, sources};
use super::secure::Security;
use super::subject::Programs;
use crate::affinity::{Cpus, pin_thread};
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections are opened in a round. Each side needs a file descriptor for each. A third as many under TLS.
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(3..))]
    pub(super) connections: u32,
    /// How many handshakes are under way at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) burst: u32,
    /// How many rounds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) rounds: u64,
}

const PER_SECOND: f64 = 8_000.0;

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let generator = Generator { programs, cpu: cpus.generator };
    println!(
        "\nConnections set up, each with its token (HS256) verified and a session that can be resumed: gateway on CPU {}, load on \
         CPU {}; {} handshakes under way, {} rounds.",
        cpus.server.id, cpus.generator.id, options.burst, options.rounds
    );
    table::head(&[
        "gateway",
        "a second",
        "gateway CPU µs each",
        "101 after, p99 ms",
        "session after, p99 ms",
        "load's CPU",
    ]);
    let mut details = Vec::new();
    for (name, secured) in [("plain", false), ("TLS 1.3", true)] {
        let (security, mut settings) = Security::fresh_if(secured, false)?;
        let count = if secured { options.connections / 3 } else { options.connections };
        settings.push(("WEBSOCKET_MAX_CONNECTIONS", (count + 1).to_string()));
        let gateway = programs.gateway(cpus.server, &settings)?;
        let target = Target {
            certificate: security.map(|security| security.certificate().to_owned()),
            ..Target::gateway(gateway.ready("url")?, gateway.ready("token")?)
        };
        // Code that was never run is slow the first time.
        generator.run(&target, "connect --connections 50")?;
        let scenario =
            format!("connect --connections {count} --burst {} {}", options.burst, sources(0, count));
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            let before = gateway.process.cpu_nanos()?;
            let outcome = generator.run(&target, &scenario)?;
            let resumable = outcome.number("/connections/resumable")?;
            ensure!(resumable == f64::from(count), "{resumable} of {count} sessions can be resumed");
            let cpu = (gateway.process.cpu_nanos()? - before) as f64 / 1_000.0 / f64::from(count);
            rounds.push((outcome, cpu));
        }
        let spread = |pointer: &str| {
            let values: Vec<_> =
                rounds.iter().map(|(outcome, _)| outcome.number(pointer)).collect::<Result<_>>()?;
            Spread::of(values).context("no rounds")
        };
        let rate = spread("/connections/per_second")?;
        let cpu = Spread::of(rounds.iter().map(|(_, cpu)| *cpu)).context("no rounds")?;
        table::row(&[
            name,
            &rate.shown(0),
            &cpu.shown(1),
            &spread("/connections/upgrade/p99_us")?.scaled(0.001).shown(1),
            &spread("/connections/session/p99_us")?.scaled(0.001).shown(1),
            &format!("{:.0} %", spread("/generator/busy")?.median * 100.0),
        ]);
        if !secured {
            budgets.judge("authenticated upgrades a second", rate, ("", 0), Bound::AtLeast(PER_SECOND));
        }
        details.push(json!({ "gateway": name, "per_second": rate.json(), "cpu_micros": cpu.json() }));
    }
    budgets.detail("connect", details.into());
    Ok(())
}
