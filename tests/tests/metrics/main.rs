//! What operators are told: each instrument by what it is there to tell, the texts that it is shown in, and how many series
//! there are at most.

mod flood;
mod instruments;
mod scrapers;
mod sessions;

use gateway::Config;
use tests::Process;

/// The gateway as a process of its own.
fn process(configure: impl FnOnce(&mut Config)) -> Process {
    Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), configure)
}
