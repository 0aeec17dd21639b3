//! The machine that the load comes from: what it is, and whether it can do what is asked for.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::{Error, Plan};

/// Descriptors besides those of connections.
const OTHERS: u64 = 64;
/// The system's range of ports, where it can't be read.
const PORTS: (u64, u64) = (32_768, 60_999);

/// The machine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Environment {
    /// Version of this program.
    pub program: String,
    /// Operating system and processor architecture.
    pub system: String,
    /// The kernel's version.
    pub kernel: String,
    /// The processor's name.
    pub cpu: String,
    /// How many CPUs this process may use.
    pub cpus: usize,
    /// The load of the last minute before the run.
    pub load: f64,
    /// How many descriptors this process may have.
    pub open_files: Option<u64>,
}

impl Environment {
    /// Looks at the machine.
    pub(crate) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let load = read("/proc/loadavg");
        Self {
            program: concat!("mcpw ", env!("CARGO_PKG_VERSION")).to_owned(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: cpu.trim_start_matches([' ', '\t', ':']).to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
            open_files: getrlimit(Resource::Nofile).current,
        }
    }
}

/// Looks whether there are descriptors and ports for all connections. The limit of descriptors is raised as far as this
/// process may.
///
/// # Errors
/// [`Error::Machine`]: what there is too little of, and what would be right.
pub(crate) fn prepare(plan: &Plan) -> Result<(), Error> {
    let connections = plan.all() as u64;
    descriptors(connections, connections + OTHERS + 4 * plan.threads as u64)?;
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut range = range.split_whitespace().map_while(|port| port.parse::<u64>().ok());
    let (first, last) = range.next().zip(range.next()).unwrap_or(PORTS);
    let ports = last.saturating_sub(first) + 1;
    let mut addresses: Vec<_> = plan.targets.iter().map(crate::Target::address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let pairs = (plan.sources.len().max(1) * addresses.len()) as u64;
    if connections > ports * pairs {
        let sources = connections.div_ceil(ports * addresses.len() as u64);
        return Err(Error::Machine(format!(
            "{connections} connections need more ports than the {ports} that an address has for each target \
             (net.ipv4.ip_local_port_range is {first} to {last}); give {sources} addresses of this machine by --source"
        )));
    }
    Ok(())
}

fn descriptors(connections: u64, needed: u64) -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let told = |hard: u64| {
        Error::Machine(format!(
            "{connections} connections need {needed} open files, and this process may have {hard}; \
             raise the hard limit, as root by `ulimit -Hn {needed}` or LimitNOFILE"
        ))
    };
    match limit.maximum {
        Some(hard) if hard < needed => Err(told(hard)),
        hard => {
            let raised = Rlimit { current: Some(needed), maximum: hard };
            setrlimit(Resource::Nofile, raised).map_err(|_| told(limit.current.unwrap_or_default()))
        }
    }
}
