//! Walks folders below the root in order of names, without following links. Knows what to skip, not why
//! anyone walks.
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{DirEntry, FileType};

use crate::open::Root;
use crate::rules::Rules;

/// Each level keeps a folder open, so a tree that is made to be deep could use up the process's files.
const MAX_DEPTH: usize = 128;

pub(crate) struct Entry {
    /// Relative to the root.
    pub(crate) path: PathBuf,
    pub(crate) kind: FileType,
    entry: DirEntry,
}

impl Entry {
    /// Of the entry itself, not of what it links to.
    pub(crate) fn metadata(&self) -> io::Result<cap_std::fs::Metadata> {
        self.entry.metadata()
    }
}

pub(crate) struct Walk<'a> {
    root: &'a Root,
    recursive: bool,
    /// Whether hidden entries and what `.gitignore` and `.ignore` name are left out.
    selective: bool,
    /// The folders that are being walked, outermost first.
    levels: Vec<Level>,
    /// The rules that hold outside of the folder where the walk started.
    outer: Vec<Rules>,
}

struct Level {
    path: PathBuf,
    entries: std::vec::IntoIter<(OsString, DirEntry)>,
    rules: Rules,
}

impl<'a> Walk<'a> {
    /// Everything in this folder.
    pub(crate) fn all(root: &'a Root, folder: &Path, recursive: bool) -> io::Result<Self> {
        let mut walk = Self { root, recursive, selective: false, levels: Vec::new(), outer: Vec::new() };
        walk.enter(folder.to_owned())?;
        Ok(walk)
    }

    /// What is in this folder and below, without hidden entries and ignored ones.
    pub(crate) fn selective(root: &'a Root, folder: &Path) -> io::Result<Self> {
        let mut walk = Self { root, recursive: true, selective: true, levels: Vec::new(), outer: Vec::new() };
        let mut outside: Vec<_> = folder.ancestors().skip(1).collect();
        outside.reverse();
        walk.outer = outside.into_iter().map(|folder| Rules::of(root, folder)).collect();
        walk.enter(folder.to_owned())?;
        Ok(walk)
    }

    fn enter(&mut self, path: PathBuf) -> io::Result<()> {
        let mut entries: Vec<_> = Vec::new();
        for entry in self.root.folder(&path)?.entries()? {
            let entry = entry?;
            entries.push((entry.file_name(), entry));
        }
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        let rules = if self.selective { Rules::of(self.root, &path) } else { Rules::none() };
        self.levels.push(Level { path, entries: entries.into_iter(), rules });
        Ok(())
    }

    fn skips(&self, name: &OsString, path: &Path, is_folder: bool) -> bool {
        if !self.selective {
            return false;
        }
        let hidden = name.as_encoded_bytes().starts_with(b".");
        let inner = self.levels.iter().rev().map(|level| &level.rules);
        let mut rules = inner.chain(self.outer.iter().rev());
        hidden || rules.find_map(|rules| rules.ignore(path, is_folder)).unwrap_or(false)
    }
}

impl Iterator for Walk<'_> {
    type Item = Entry;

    /// Entries that vanish meanwhile, and folders that can't be read, are passed over.
    fn next(&mut self) -> Option<Entry> {
        loop {
            let level = self.levels.last_mut()?;
            let Some((name, entry)) = level.entries.next() else {
                self.levels.pop();
                continue;
            };
            let path = level.path.join(&name);
            let Ok(kind) = entry.file_type() else { continue };
            if self.skips(&name, &path, kind.is_dir()) {
                continue;
            }
            let deeper = self.recursive && kind.is_dir() && self.levels.len() < MAX_DEPTH;
            if deeper && let Err(error) = self.enter(path.clone()) {
                tracing::debug!(%error, "a folder could not be walked");
            }
            return Some(Entry { path, kind, entry });
        }
    }
}
