//! Memory that was freed, given back to the system. The GNU C library keeps what it was given once, so that a process which held
//! many connections for a moment would hold their memory for good. Other allocators give it back by themselves.

use std::time::Duration;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// So many bytes more have to be free than the last time that they were given back.
const MUCH: usize = 4 * 1024 * 1024;

/// Gives back what was freed, soon after it is much, for as long as it is polled.
///
/// # Cancel safety
/// Nothing is lost.
pub async fn keep_small() {
    let mut least = free();
    loop {
        tokio::time::sleep(LOOK).await;
        let free = free();
        least = least.min(free);
        if free >= least + MUCH {
            give_back();
            tracing::debug!(bytes = free - least, "freed memory was given back");
            least = free;
        }
    }
}

/// Bytes that were freed and can be allocated again, given back or not; 0 where the allocator is another.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn free() -> usize {
    // SAFETY: it has no arguments and reads the allocator's own lists, under their locks.
    #[allow(unsafe_code)]
    let counts = unsafe { libc::mallinfo2() };
    counts.fordblks
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: only pages that nobody has allocated are given back, under the allocator's own locks.
    #[allow(unsafe_code)]
    let _ = unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn free() -> usize {
    0
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
