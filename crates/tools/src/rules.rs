//! The ignore rules of one folder: its `.gitignore`, overruled by its `.ignore`.
use std::io::Read;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::open::Root;

/// More than any such file needs. What follows is not read.
const MAX_SIZE: u64 = 1 << 20;

pub(crate) struct Rules(Option<Gitignore>);

impl Rules {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// The rules that stand in this folder. Files and lines that can't be read are passed over.
    pub(crate) fn of(root: &Root, folder: &Path) -> Self {
        let mut rules = GitignoreBuilder::new(folder);
        let mut any = false;
        for name in [".gitignore", ".ignore"] {
            // Read through the root and not by the library: the file may be a link that leaves it.
            let Ok(file) = root.open_file(&folder.join(name)) else { continue };
            let mut text = Vec::new();
            if file.take(MAX_SIZE).read_to_end(&mut text).is_err() {
                continue;
            }
            for line in String::from_utf8_lossy(&text).lines() {
                any |= rules.add_line(None, line).is_ok();
            }
        }
        Self(any.then(|| rules.build().ok()).flatten())
    }

    /// Whether the rules ignore this path; `None` if they don't say.
    pub(crate) fn ignore(&self, path: &Path, is_folder: bool) -> Option<bool> {
        match self.0.as_ref()?.matched(path, is_folder) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        }
    }
}
