//! A program as a child process: what it writes is collected, and dropped it is killed. Refuses to know which
//! program it is.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tests::{PATIENCE, until, until_within};

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts it, without standard input unless one was set.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        let stdout = Lines::of(child.stdout.take().expect("it is piped"));
        let stderr = Lines::of(child.stderr.take().expect("it is piped"));
        Self { child, stdout, stderr }
    }

    /// Waits for a line on standard output that holds this text.
    #[track_caller]
    pub(crate) fn await_output(&mut self, text: &str) -> String {
        self.await_line(|process| &mut process.stdout, text)
    }

    /// Waits for a line on standard error that holds this text.
    #[track_caller]
    pub(crate) fn await_error(&mut self, text: &str) -> String {
        self.await_line(|process| &mut process.stderr, text)
    }

    /// All of standard error so far.
    pub(crate) fn errors(&self) -> String {
        self.stderr.text()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// As [`Self::end`], for what takes longer.
    pub(crate) fn end_within(mut self, limit: Duration) -> Ended {
        let ended = || self.child.try_wait().expect("it is our child");
        let status = until_within(limit, "the end of the program", ended);
        self.stdout.join();
        self.stderr.join();
        Ended { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() }
    }

    /// Sends a signal: TERM, INT.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("there is a command kill").success());
    }

    /// Kills it with SIGKILL. It is gone on return.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    #[track_caller]
    fn await_line(&mut self, stream: fn(&mut Self) -> &mut Lines, text: &str) -> String {
        until(&format!("a line with {text:?}"), || {
            let ended = self.child.try_wait().expect("it is our child");
            if ended.is_some() {
                // All that it wrote is to be looked at.
                stream(self).join();
            }
            let found = stream(self).find(text);
            if found.is_none() && ended.is_some() {
                let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
                panic!("ended with {ended:?} without a line with {text:?}:\n{stdout}{stderr}");
            }
            found
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a program to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Ended {
    Process::start(command).end()
}

impl Ended {
    /// Standard output of a program that has ended well.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// The lines of one stream, read on a thread of their own.
#[derive(Debug)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let sink = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let line = line.expect("the stream is UTF-8");
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn find(&self, text: &str) -> Option<String> {
        self.locked().iter().find(|line| line.contains(text)).cloned()
    }

    fn text(&self) -> String {
        self.locked().iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Waits for the end of the stream.
    fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the program writes UTF-8");
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
