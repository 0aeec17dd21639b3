//! Which CPU the measured server has to itself, and which the load comes from.

use anyhow::{Result, bail};
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

/// Pins the calling thread, and every process that it starts from now on.
pub(crate) fn pin_thread(cpu: CoreId) -> Result<()> {
    if !core_affinity::set_for_current(cpu) {
        bail!("could not pin a thread to CPU {}", cpu.id);
    }
    Ok(())
}
