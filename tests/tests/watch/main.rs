//! Dashboards and alerts over a real Prometheus that scrapes pods under load: every panel shows something, and what is killed is
//! told of, and nothing else.

#![allow(clippy::print_stderr, reason = "what was awaited is told where it does not come")]

mod outages;
mod panels;

use dashboards::{Pace, files};
use tests::Prometheus;
use tests::watched::Platform;

/// A Prometheus with the rules that are shipped, at this pace.
fn prometheus(pace: Pace) -> Prometheus {
    let files = files(pace);
    let rules =
        files.iter().filter_map(|file| Some((file.path.strip_prefix("deploy/prometheus/")?, &*file.text)));
    Prometheus::start(&rules.collect::<Vec<_>>())
}

/// A platform of the gateway that was built.
fn platform() -> Platform {
    Platform::start(env!("CARGO_BIN_EXE_mcpw-under-test"))
}
