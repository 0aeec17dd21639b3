//! A fleet under load and under harm, and a ledger of what was lost: gateways, Redis and a load balancer as processes,
//! clients and backends in this one.

mod balancer;
mod caller;
mod calls;
mod child;
mod counters;
mod dice;
mod events;
mod fleet;
mod guard;
mod havoc;
mod incidents;
mod ledger;
mod load;
mod network;
mod pod;
mod ports;
mod presence;
mod publisher;
mod redis;
mod scenario;
mod settings;
mod steady;
mod subscriber;

use std::time::Duration;

use anyhow::Result;

pub use counters::{Counters, Executions};
pub use dice::Dice;
pub use fleet::Fleet;
pub use incidents::{Deed, Incident, Incidents};
pub use ledger::Ledger;
pub use load::{Load, Records};
pub use ports::free as free_address;
pub use presence::Pace;
pub use scenario::Scenario;
pub use settings::Settings;

use guard::Guard;
use pod::Pod;

/// Nearly all clients of a rolling restart are away for less.
const AWAY: Duration = Duration::from_secs(1);

/// Runs a scenario for about this long; what it came to.
///
/// # Errors
/// The run did not come about: a program is missing, or a process does not start.
pub fn run(scenario: Scenario, settings: &Settings, lasting: Duration, seed: u64) -> Result<Ledger> {
    let dice = Dice::of(seed).part(scenario as u64);
    let mut fleet = Fleet::start(settings, scenario == Scenario::Partition)?;
    let balanced = fleet.balance(&settings.folder)?;
    let mut urls = vec![balanced; 10];
    if scenario == Scenario::Partition {
        // One of ten clients stays at the pod that is cut off, whatever the load balancer thinks of it.
        urls.truncate(9);
        urls.extend(fleet.urls().pop());
    }
    let executions = Executions::default();
    let _counters = Counters::start(&fleet, &executions)?;
    let load = Load::start(&urls, &fleet.keys, settings, &dice.part(1))?;
    let incidents = havoc::wreak(scenario, &mut fleet, settings, lasting, dice.part(2))?;
    let records = load.stop()?;

    let mut ledger = Ledger::default();
    incidents.enter(&mut ledger);
    let pace = Pace { away: AWAY, rate: settings.drain_rate as usize };
    let pace = (scenario == Scenario::Rolling).then_some(pace);
    records.settle(&executions, &incidents, pace, &mut ledger);
    Ok(ledger)
}
