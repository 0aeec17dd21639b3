//! A disk of a few pages that belongs to one process: a file system in memory, in a mount namespace of its own.

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A disk that is there for whoever is started through it.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
    script: String,
}

impl Disk {
    /// One of so many KiB.
    ///
    /// # Panics
    /// The system has no folder for temporary files.
    pub fn of_kib(size: usize) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let path = folder.path().display();
        let script = format!("mount -t tmpfs -o size={size}k tmpfs {path} && exec \"$0\" \"$@\"");
        Self { folder, script }
    }

    /// The words of a command that becomes the one behind them. It needs root, or a kernel that lets everybody make user
    /// namespaces (`sysctl kernel.unprivileged_userns_clone=1`).
    pub fn command(&self) -> Vec<&str> {
        vec!["/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c", &self.script]
    }

    /// The path of a file on it, as whoever was started through it knows it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same file, as this process finds it while that one lives.
    ///
    /// # Panics
    /// Never: a path below a folder is absolute.
    pub fn seen(&self, process: u32, name: &str) -> PathBuf {
        let path = self.file(name);
        let inner = path.strip_prefix("/").expect("it is absolute");
        Path::new("/proc").join(process.to_string()).join("root").join(inner)
    }

    /// Fills it to the last page.
    ///
    /// # Panics
    /// It can't be written to.
    pub fn fill(&self, process: u32) {
        let mut ballast = std::fs::File::create(self.seen(process, "ballast")).expect("the disk is there");
        while std::io::Write::write_all(&mut ballast, &[0; 4_096]).is_ok() {}
    }

    /// Takes away what filled it.
    ///
    /// # Panics
    /// It was not filled.
    pub fn empty(&self, process: u32) {
        std::fs::remove_file(self.seen(process, "ballast")).expect("it was filled");
    }
}
