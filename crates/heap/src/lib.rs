//! Memory that was freed, given back to the system. The GNU C library keeps what it was given once, so that a process which held
//! many connections for a moment would hold their memory for good. Other allocators give it back by themselves.

use std::time::Duration;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// So many bytes more have to be resident for nothing than at the least.
const MUCH: usize = 4 * 1024 * 1024;

/// Gives back what was freed, soon after it is much, for as long as it is polled.
///
/// # Cancel safety
/// Nothing is lost.
pub async fn keep_small() {
    let Some(mut least) = unused() else { return std::future::pending().await };
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(unused) = unused() else { continue };
        least = least.min(unused);
        if unused >= least + MUCH {
            give_back();
            least = self::unused().unwrap_or(unused);
            tracing::debug!(bytes = unused.saturating_sub(least), "freed memory was given back");
        }
    }
}

/// Bytes that are resident though nobody has allocated them: the program itself, and what was freed and is kept. What the
/// allocator says is free would not do: it may have been given back already. `None` where the allocator is another.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn unused() -> Option<usize> {
    // SAFETY: it has no arguments and reads the allocator's own lists, under their locks.
    #[allow(unsafe_code)]
    let counts = unsafe { libc::mallinfo2() };
    Some(resident()?.saturating_sub(counts.uordblks + counts.hblkhd))
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: only pages that nobody has allocated are given back, under the allocator's own locks.
    #[allow(unsafe_code)]
    let _ = unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn unused() -> Option<usize> {
    None
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
