//! Ports that a program can be started at again and again. Those that the kernel hands out by itself are not among
//! them: once the program is down, it could hand them out as the near end of any connection.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use anyhow::{Result, bail};

/// Below what Linux hands out by default, above what services have.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// An address that nobody listens at.
///
/// # Errors
/// All are taken, or none can be had: the host has no such address.
pub fn free(host: IpAddr) -> Result<SocketAddr> {
    // Programs that run at the same time begin at different places.
    let begin = u16::try_from(std::process::id() * 37 % u32::from(COUNT)).unwrap_or_default();
    for _ in 0..COUNT {
        let place = begin.wrapping_add(NEXT.fetch_add(1, Relaxed) % COUNT) % COUNT;
        let address = SocketAddr::new(host, FIRST + place);
        // Where the host is one of another namespace, nobody else is.
        if TcpListener::bind(SocketAddr::new([0, 0, 0, 0].into(), address.port())).is_ok() {
            return Ok(address);
        }
    }
    bail!("there is no free port from {FIRST} on")
}
