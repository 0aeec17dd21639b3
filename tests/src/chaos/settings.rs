//! How a fleet is set up and loaded: plain data with the acceptance test's numbers as defaults.

use std::path::PathBuf;
use std::time::Duration;

/// The numbers of one run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program `mcpw`.
    pub gateway: PathBuf,
    /// Where configurations, logs and what Redis writes go.
    pub folder: PathBuf,
    /// Gateway processes.
    pub pods: usize,
    /// Clients, all of which call.
    pub clients: usize,
    /// So many of the clients subscribe to all events of the run.
    pub subscribers: usize,
    /// So many of the clients publish.
    pub publishers: usize,
    /// Calls a second, by all clients together.
    pub calls: u32,
    /// Events a second, by all publishers together.
    pub events: u32,
    /// How long a tool takes at most; each call draws its time.
    pub longest_call: Duration,
    /// How long after the load the last answers and events may come.
    pub grace: Duration,
    /// `store.bounds.log_events`: enough for as long as a pod is cut off, so that no gap is excused by it.
    pub log_events: u64,
    /// `session.resume_window_ms`.
    pub resume_window: Duration,
    /// `pod.lease_ms`.
    pub lease: Duration,
    /// `drain.delay_ms`.
    pub drain_delay: Duration,
    /// `drain.timeout_ms`.
    pub drain_timeout: Duration,
    /// `drain.rate`.
    pub drain_rate: u32,
    /// `log.level` of the gateways.
    pub log: String,
}

impl Settings {
    /// The acceptance test's: three pods, 200 clients, 1,000 calls and 500 events a second.
    pub fn new(gateway: PathBuf, folder: PathBuf) -> Self {
        Self {
            gateway,
            folder,
            pods: 3,
            clients: 200,
            subscribers: 20,
            publishers: 20,
            calls: 1_000,
            events: 500,
            longest_call: Duration::from_millis(100),
            grace: Duration::from_secs(30),
            log_events: 50_000,
            resume_window: Duration::from_secs(120),
            lease: Duration::from_secs(10),
            drain_delay: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(30),
            drain_rate: 60,
            log: "info".to_owned(),
        }
    }
}
