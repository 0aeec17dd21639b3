//! What a process uses, as the kernel counts it.

use std::fs;

/// A process, seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct Usage(u32);

impl Usage {
    /// The process with this id.
    pub fn of(process: u32) -> Self {
        Self(process)
    }

    /// Resident memory in bytes.
    ///
    /// # Panics
    /// There is no such process.
    pub fn memory(&self) -> usize {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number of kB");
        kilobytes * 1024
    }

    /// How many descriptors are open.
    ///
    /// # Panics
    /// There is no such process.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0)).expect("the process is there").count()
    }

    /// CPU time so far, of all threads, in milliseconds; exact to 10.
    ///
    /// # Panics
    /// There is no such process.
    pub fn cpu_ms(&self) -> u64 {
        let stat = self.read("stat");
        let (_, fields) = stat.rsplit_once(')').expect("the name stands in parentheses");
        let ticks = |index: usize| {
            let field = fields.split_whitespace().nth(index).expect("the line has 52 fields");
            field.parse::<u64>().expect("ticks are a number")
        };
        // Fields 14 and 15 of the line, in hundredths of a second.
        (ticks(11) + ticks(12)) * 10
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.0)).expect("the process is there")
    }
}
