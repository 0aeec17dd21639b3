//! A wall clock that a test sets: what is started through it sees that one, and its monotonic clock goes on as it is.

use std::io::Write as _;
use std::path::PathBuf;
use tempfile::TempDir;

/// How long after a jump a thread may still go by the time before.
const SETTLING: std::time::Duration = std::time::Duration::from_millis(200);

/// A clock that a test sets.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    command: Vec<String>,
}

impl Clock {
    /// One that is right.
    ///
    /// # Panics
    /// There is no libfaketime; says what to install.
    pub fn right() -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let library = library().expect("this test needs libfaketime: apt-get install -y faketime");
        let command = [
            "/usr/bin/env".to_owned(),
            format!("LD_PRELOAD={}", library.display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", folder.path().join("clock").display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
        ];
        let clock = Self { folder, command: command.into() };
        clock.jump_to(0);
        clock
    }

    /// The words of a command that becomes the one behind them.
    pub fn command(&self) -> Vec<&str> {
        self.command.iter().map(|word| &**word).collect()
    }

    /// From now on it is so many seconds ahead of the right one, or behind it.
    ///
    /// # Panics
    /// The folder for temporary files can't be written to.
    pub fn jump_to(&self, seconds: i64) {
        let mut file = tempfile::NamedTempFile::new_in(self.folder.path()).expect("the folder is ours");
        write!(file, "{seconds:+}").expect("the folder is ours");
        // At once, so that nobody reads half of it.
        file.persist(self.folder.path().join("clock")).expect("the folder is ours");
        // The library keeps one offset for all threads: one that has read the file before may still be about to set it, and
        // nothing tells when it has.
        std::thread::sleep(SETTLING);
    }
}

fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut files = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    files.find(|file| file.exists())
}
