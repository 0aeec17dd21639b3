//! What the system says of this process and its threads, read when it is asked. Elsewhere than on Linux: nothing.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The system tells processor time in hundredths of a second, whatever its own clock.
const TICKS: f64 = 100.0;

/// This process.
#[derive(Debug)]
pub(crate) struct Process {
    started: f64,
}

impl Default for Process {
    fn default() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Self { started: began().unwrap_or(now) }
    }
}

impl Process {
    pub(crate) fn cpu_seconds(&self) -> f64 {
        busy("/proc/self/stat").unwrap_or(0.0)
    }

    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1_024
    }

    pub(crate) fn open_descriptors(&self) -> u64 {
        // One of them is that of the listing.
        fs::read_dir("/proc/self/fd").map_or(0, |open| open.count().saturating_sub(1) as u64)
    }

    pub(crate) fn most_descriptors(&self) -> u64 {
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    pub(crate) const fn started(&self) -> f64 {
        self.started
    }
}

/// The calling thread, by the file that tells of it.
pub(crate) fn this_thread() -> Option<String> {
    let thread = fs::read_link("/proc/thread-self").ok()?;
    Some(format!("/proc/{}/stat", thread.to_str()?))
}

/// How long the process or thread of this file was on a processor, in seconds.
pub(crate) fn busy(file: &str) -> Option<f64> {
    let stat = fs::read_to_string(file).ok()?;
    Some((field(&stat, 14)? + field(&stat, 15)?) / TICKS)
}

/// When the process began, in Unix seconds.
fn began() -> Option<f64> {
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.parse().ok()?;
    Some(boot + field(&fs::read_to_string("/proc/self/stat").ok()?, 22)? / TICKS)
}

/// A field by its number in proc(5). The second, a name, may hold anything.
fn field(stat: &str, number: usize) -> Option<f64> {
    stat.rsplit_once(") ")?.1.split(' ').nth(number - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_moves_no_field() {
        let stat = "7 (a) b) R 1 7 7 0 -1 0 0 0 0 0 250 50 0 0 20 0 1 0 999 0";
        assert_eq!(
            [field(stat, 14), field(stat, 15), field(stat, 22)],
            [Some(250.0), Some(50.0), Some(999.0)]
        );
    }

    #[test]
    fn a_thread_that_works_is_busy() {
        let thread = this_thread().expect("this system tells of threads");
        let before = busy(&thread).expect("this thread is there");
        let mut spun = 0_u64;
        while busy(&thread).expect("this thread is there") < before + 0.02 {
            spun = spun.wrapping_add(1);
        }
        assert!(Process::default().cpu_seconds() > 0.0, "{spun}");
    }
}
