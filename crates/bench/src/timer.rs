//! Wakes a thread that polls, to the microsecond: the timeout of a poll itself counts in milliseconds only.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::clock::SECOND;

/// A timer of the kernel's.
#[derive(Debug)]
pub(crate) struct Timer {
    descriptor: OwnedFd,
    armed: u64,
}

impl Timer {
    /// One that wakes polls of this registry under this token.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        registry.register(&mut SourceFd(&descriptor.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { descriptor, armed: 0 })
    }

    /// Has it wake the thread at `at`, which is later than `now`.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn arm(&mut self, now: u64, at: u64) -> io::Result<()> {
        if self.armed == at {
            return Ok(());
        }
        let wait = at.saturating_sub(now).max(1);
        let seconds = i64::try_from(wait / SECOND).unwrap_or(i64::MAX);
        let nanos = i64::try_from(wait % SECOND).unwrap_or(0);
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec { tv_sec: seconds, tv_nsec: nanos },
        };
        timerfd_settime(self.descriptor.as_fd(), TimerfdTimerFlags::empty(), &once)?;
        self.armed = at;
        Ok(())
    }
}
