//! The file of the audit log: opened for appending, and where its chain ends.

use super::chain::{Chain, Link, torn};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// More than the longest line has.
const TAIL: u64 = 64 * 1024;
/// What every line begins with.
const FIRST: &[u8] = b"{\"seq\":";

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    /// Where its chain ends.
    pub(super) chain: Chain,
    /// What stands behind that, if something does: lines that were not written whole.
    pub(super) torn: Option<String>,
    /// Whether the end of a line is missing at its end.
    pub(super) is_cut: bool,
    /// Whether nothing is in it.
    pub(super) is_empty: bool,
}

/// Opens it, or makes it, readable by its owner alone.
///
/// # Errors
/// The system's, or that it is something else than an audit log.
pub(super) fn open(path: &Path) -> io::Result<Opened> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(Opened { file, chain: Chain::default(), torn: None, is_cut: false, is_empty: true });
    }
    let start = metadata.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let (mut end, mut chain) = (0, None);
    let mut whole = 0;
    for line in tail.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if let Some(link) = line.strip_suffix(b"\n").and_then(Link::read) {
            (whole, chain) = (end, Some(link.chain()));
        }
    }
    let chain = match chain {
        Some(chain) => chain,
        // Not even the first line was written whole.
        None if start == 0 && (tail.starts_with(FIRST) || FIRST.starts_with(&tail)) => Chain::default(),
        None => {
            let reason = "it has no line of an audit log at its end: name another file";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
    };
    let is_cut = !tail.ends_with(b"\n");
    let rest = &tail[whole..];
    let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
    let torn = (whole < tail.len()).then(|| torn(rest));
    Ok(Opened { file, chain, torn, is_cut, is_empty: false })
}
