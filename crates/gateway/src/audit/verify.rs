//! Checks an audit log from its first line to its last, over all its files.

use super::chain::{Chain, Link, torn};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A log without a fault.
#[derive(Debug)]
pub(crate) struct Verified {
    /// How many lines it has.
    pub(crate) lines: u64,
    /// How many of them were not written whole, as the lines behind them say.
    pub(crate) torn: u64,
    /// The hash of the last one.
    pub(crate) hash: String,
}

/// The first line that is wrong.
#[derive(Debug)]
pub(crate) struct Wrong {
    path: PathBuf,
    /// From 1.
    line: u64,
    how: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.how)
    }
}

/// Why a log is not verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file can't be read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A line is wrong.
    #[error("{0}")]
    Wrong(Wrong),
}

/// The files, the oldest first.
///
/// # Errors
/// A file that can't be read, or the first line that is wrong.
pub(crate) fn verify(paths: &[PathBuf]) -> Result<Verified, Failure> {
    let mut walk = Walk::default();
    for path in paths {
        let unreadable = |reason| Failure::Unreadable { path: path.clone(), reason };
        walk.read(path, BufReader::new(File::open(path).map_err(unreadable)?))?;
    }
    walk.end()
}

/// The way through the lines.
#[derive(Default)]
pub(super) struct Walk {
    /// None before the first line.
    chain: Option<Chain>,
    /// Lines that are none, until the one that tells of them.
    cut: Option<Cut>,
    lines: u64,
    torn: u64,
}

struct Cut {
    path: PathBuf,
    line: u64,
    bytes: Vec<u8>,
    count: u64,
}

impl Walk {
    /// Goes on through all that is in this file.
    pub(super) fn read(&mut self, path: &Path, mut file: impl BufRead) -> Result<(), Failure> {
        let unreadable = |reason| Failure::Unreadable { path: path.to_owned(), reason };
        let (mut line, mut bytes) = (0, Vec::new());
        while file.read_until(b'\n', &mut bytes).map_err(unreadable)? > 0 {
            line += 1;
            let is_whole = bytes.pop_if(|byte| *byte == b'\n').is_some();
            self.step(path, line, &bytes, is_whole).map_err(Failure::Wrong)?;
            bytes.clear();
        }
        Ok(())
    }

    fn step(&mut self, path: &Path, line: u64, bytes: &[u8], is_whole: bool) -> Result<(), Wrong> {
        self.lines += 1;
        let Some(link) = Link::read(bytes).filter(|_| is_whole) else {
            match &mut self.cut {
                Some(cut) => {
                    cut.bytes.push(b'\n');
                    cut.bytes.extend_from_slice(bytes);
                    cut.count += 1;
                }
                None => {
                    self.cut = Some(Cut { path: path.to_owned(), line, bytes: bytes.to_vec(), count: 1 });
                }
            }
            return Ok(());
        };
        if let Some(cut) = self.cut.take() {
            if link.event != "torn" || link.reason.as_deref() != Some(&*torn(&cut.bytes)) {
                return Err(cut.wrong());
            }
            self.torn += cut.count;
        }
        let how = self.follow(&link, bytes);
        how.map_err(|how| Wrong { path: path.to_owned(), line, how })?;
        self.chain = Some(link.chain());
        Ok(())
    }

    /// Whether the line goes on where the one before ended.
    fn follow(&self, link: &Link, bytes: &[u8]) -> Result<(), String> {
        let start = match (&self.chain, &link.previous) {
            (Some(chain), Some(previous)) if chain.hash != *previous => {
                return Err("it does not go on from the line before: a file is missing, or stands elsewhere"
                    .to_owned());
            }
            (Some(chain), _) => chain.clone(),
            (None, Some(previous)) => Chain { seq: link.seq.saturating_sub(1), hash: previous.clone() },
            (None, None) => Chain::default(),
        };
        if link.seq != start.seq.saturating_add(1) {
            return Err(format!(
                "its seq is {}, and {} was awaited: lines are missing, or stand elsewhere",
                link.seq,
                start.seq.saturating_add(1)
            ));
        }
        if !start.is_followed_by(bytes) {
            return Err("its hash is not right: it was changed, or the line before it was".to_owned());
        }
        Ok(())
    }

    /// What was gone through.
    pub(super) fn end(self) -> Result<Verified, Failure> {
        match self.cut {
            Some(cut) => Err(Failure::Wrong(cut.wrong())),
            None => {
                let hash = self.chain.unwrap_or_default().hash;
                Ok(Verified { lines: self.lines, torn: self.torn, hash })
            }
        }
    }
}

impl Cut {
    fn wrong(self) -> Wrong {
        let how = "it is no whole line of an audit log: it was changed or cut".to_owned();
        Wrong { path: self.path, line: self.line, how }
    }
}
