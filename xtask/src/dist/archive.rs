//! A tar in which nothing depends on who packs it, when, or in which order: names are sorted, and times, owners and
//! modes are fixed. Refuses to know what the files are.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// Files by their paths.
pub(super) struct Archive {
    /// The folder that all of it is in.
    root: String,
    /// Seconds since 1970, of everything in it.
    time: u64,
    files: BTreeMap<String, (u32, Vec<u8>)>,
}

impl Archive {
    /// Empty.
    pub(super) fn new(root: &str, time: u64) -> Self {
        Self { root: root.to_owned(), time, files: BTreeMap::new() }
    }

    /// Adds a file that everybody may read.
    pub(super) fn file(&mut self, path: &str, content: Vec<u8>) {
        self.files.insert(path.to_owned(), (0o644, content));
    }

    /// Adds a file that everybody may run.
    pub(super) fn program(&mut self, path: &str, content: Vec<u8>) {
        self.files.insert(path.to_owned(), (0o755, content));
    }

    /// The archive, with the digests of all files in `SHA256SUMS`, as sha256sum checks them.
    ///
    /// # Errors
    /// A path that has no place in a tar.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        let mut sums = String::new();
        for (path, (_, content)) in &self.files {
            writeln!(sums, "{}  {path}", digest(content))?;
        }
        self.file("SHA256SUMS", sums.into_bytes());
        let mut tar = Builder::new(Vec::new());
        for (path, (mode, content)) in &self.files {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::Regular);
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            header.set_mtime(self.time);
            header.set_uid(0);
            header.set_gid(0);
            tar.append_data(&mut header, format!("{}/{path}", self.root), content.as_slice())?;
        }
        Ok(tar.into_inner()?)
    }
}

/// SHA-256 in hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
