//! Dashboards and alerts over a real Prometheus that scrapes pods under load: every panel shows something, and what is killed is
//! told of, and nothing else.

mod load;
mod outages;
mod panels;
mod platform;

use dashboards::{Pace, files};
use load::Load;
use platform::Platform;
use tests::Prometheus;

/// A Prometheus with the rules that are shipped, at this pace.
fn prometheus(pace: Pace) -> Prometheus {
    let files = files(pace);
    let rules =
        files.iter().filter_map(|file| Some((file.path.strip_prefix("deploy/prometheus/")?, &*file.text)));
    Prometheus::start(&rules.collect::<Vec<_>>())
}
