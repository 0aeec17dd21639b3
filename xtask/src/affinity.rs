//! Which CPU the measured server has to itself, and which the load comes from; and whether others use them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use core_affinity::CoreId;

/// Two CPUs of those that this process may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpus {
    /// Of the server that is measured.
    pub(crate) server: CoreId,
    /// Of the load generator and of everything else.
    pub(crate) generator: CoreId,
}

impl Cpus {
    /// The first two CPUs in the affinity mask.
    pub(crate) fn pick() -> Result<Self> {
        match core_affinity::get_core_ids().as_deref() {
            Some(&[server, generator, ..]) => Ok(Self { server, generator }),
            _ => bail!("a bench needs two CPUs: one for the server, one for the load"),
        }
    }
}

/// What other programs use of this machine, in percent. Says so if it is much: a measurement beside them is worth little.
pub(crate) fn other_load() -> Result<f64> {
    let before = cpu_ticks()?;
    std::thread::sleep(Duration::from_millis(500));
    let after = cpu_ticks()?;
    let all = (after.all - before.all) as f64;
    let busy = 100.0 * (1.0 - (after.idle - before.idle) as f64 / all.max(1.0));
    if busy > 10.0 {
        eprintln!("note: other programs use {busy:.0} % of this machine; the figures will suffer from it");
    }
    Ok(busy)
}

struct CpuTicks {
    all: u64,
    idle: u64,
}

fn cpu_ticks() -> Result<CpuTicks> {
    let stat = std::fs::read_to_string("/proc/stat").context("could not read /proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_ascii_whitespace().skip(1).map_while(|word| word.parse().ok()).collect();
    let [_, _, _, idle, iowait, ..] = ticks[..] else { bail!("/proc/stat begins with {line:?}") };
    Ok(CpuTicks { all: ticks.iter().sum(), idle: idle + iowait })
}

/// Pins the calling thread, and every process that it starts from now on.
pub(crate) fn pin_thread(cpu: CoreId) -> Result<()> {
    if !core_affinity::set_for_current(cpu) {
        bail!("could not pin a thread to CPU {}", cpu.id);
    }
    Ok(())
}
