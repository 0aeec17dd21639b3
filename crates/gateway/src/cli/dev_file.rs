//! How `mcpw call` finds the `mcpw dev` of the same user: a file that only this user can read, for as long
//! as the gateway runs.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// What the file holds.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) token: String,
}

/// The file; removed when dropped.
#[derive(Debug)]
pub(super) struct DevFile(PathBuf);

impl DevFile {
    /// Writes it. Without a folder for it there is none: callers then name URL and token themselves.
    pub(super) fn write(url: &str, token: &str) -> Option<Self> {
        let path = path()?;
        fs::create_dir_all(path.parent()?).ok()?;
        let _ = fs::remove_file(&path);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).ok()?;
        let address = Address { url: url.to_owned(), token: token.to_owned() };
        file.write_all(&serde_json::to_vec(&address).ok()?).ok()?;
        Some(Self(path))
    }
}

impl Drop for DevFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The gateway that runs now, if one does.
pub(super) fn read() -> Option<Address> {
    serde_json::from_slice(&fs::read(path()?).ok()?).ok()
}

fn path() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("XDG_RUNTIME_DIR")
        .map(|run| run.join("mcpw"))
        .or_else(|| folder("HOME").map(|home| home.join(".mcpw")))
        .map(|folder| folder.join("dev.json"))
}
