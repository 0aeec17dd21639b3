//! The chain that lines of the audit log form: each has the hash of itself and of the one before. It refuses to know files.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// How long a hash is, in hex.
const HASH: usize = 64;
const BEFORE: &str = ",\"hash\":\"";
const BEHIND: &str = "\"}";

/// Where a chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// The number of its last line; 0 before the first.
    pub(super) seq: u64,
    /// The hash of its last line; empty before the first.
    pub(super) hash: String,
}

/// What is in a line, for whoever follows the chain.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) event: String,
    /// In the first line of a file, the hash of the last one of the file before.
    pub(super) previous: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) hash: String,
}

impl Chain {
    /// Puts the hash into a line, which is a JSON object with the next number; the line, and where the chain ends then.
    pub(super) fn close(&self, line: &str) -> (String, Self) {
        let hash = self.hash_of(line);
        let open = line.strip_suffix('}').unwrap_or(line);
        ([open, BEFORE, &hash, BEHIND].concat(), Self { seq: self.seq + 1, hash })
    }

    /// The hash of a line, without its own, that follows here.
    fn hash_of(&self, line: &str) -> String {
        hex(&Sha256::new().chain_update(&self.hash).chain_update(line).finalize())
    }

    /// Whether the line follows here: its hash is right for what stands in it.
    pub(super) fn is_followed_by(&self, line: &[u8]) -> bool {
        let Some((open, hash)) = split(line) else { return false };
        self.hash_of(&[open, "}"].concat()) == hash
    }
}

impl Link {
    /// Takes a line apart; none if it is no whole line.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let (_, hash) = split(line)?;
        let link: Self = serde_json::from_slice(line).ok()?;
        (link.hash == hash).then_some(link)
    }

    /// Where the chain ends with it.
    pub(super) fn chain(self) -> Chain {
        Chain { seq: self.seq, hash: self.hash }
    }
}

/// What a line `torn` says of what stands before it.
pub(super) fn torn(bytes: &[u8]) -> String {
    format!("{} bytes of a line, SHA-256 {}", bytes.len(), hex(&Sha256::digest(bytes)))
}

/// A line up to its hash, and the hash.
fn split(line: &[u8]) -> Option<(&str, &str)> {
    let open = std::str::from_utf8(line).ok()?.strip_suffix(BEHIND)?;
    let (open, hash) = open.split_at_checked(open.len().checked_sub(HASH)?)?;
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hash.then_some((open.strip_suffix(BEFORE)?, hash))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_follows_the_one_that_it_was_made_behind() {
        let start = Chain::default();
        let (first, next) = start.close(r#"{"seq":1,"event":"connect"}"#);
        let (second, _) = next.close(r#"{"seq":2,"event":"refuse"}"#);
        assert!(start.is_followed_by(first.as_bytes()) && next.is_followed_by(second.as_bytes()));
        assert!(!start.is_followed_by(second.as_bytes()) && !next.is_followed_by(first.as_bytes()));
        assert!(!start.is_followed_by(first.replace("connect", "refresh").as_bytes()));
        assert_eq!(Link::read(first.as_bytes()).map(Link::chain), Some(next));
    }

    #[test]
    fn the_hash_is_that_of_the_hash_before_and_the_line_without_its_own() {
        let (line, chain) = Chain::default().close("{}");
        // sha256sum of {}
        assert_eq!(chain.hash, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(line, format!("{{,\"hash\":\"{}\"}}", chain.hash));
    }

    #[test]
    fn what_is_cut_is_no_line() {
        let (line, _) = Chain::default().close(r#"{"seq":1,"event":"connect"}"#);
        for cut in 0..line.len() {
            assert!(Link::read(&line.as_bytes()[..cut]).is_none(), "{cut}");
        }
    }
}
