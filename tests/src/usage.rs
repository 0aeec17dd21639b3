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

    /// How often a thread of this name has gone to sleep by itself.
    ///
    /// # Panics
    /// There is no such process, or no such thread.
    pub fn sleeps(&self, thread: &str) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).expect("the process is there");
        let status = tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok())
            .find(|status| status.lines().next().is_some_and(|line| line.ends_with(&format!("\t{thread}"))))
            .unwrap_or_else(|| panic!("no thread {thread}"));
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count.and_then(|count| count.trim().parse().ok()).expect("a thread has a count of switches")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.0)).expect("the process is there")
    }
}
