//! Dashboards and alerts over a real Prometheus that scrapes pods under load: every panel shows something, and what is killed is
//! told of, and nothing else.

mod load;
mod outages;
mod panels;
mod platform;
mod prometheus;

use load::Load;
use platform::Platform;
use prometheus::Prometheus;

/// The name of Prometheus' job.
const JOB: &str = "mcpw";
