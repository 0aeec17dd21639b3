//! The root folder, and the only way to anything in it. Whatever leads out of it (`..`, an absolute path, a
//! symbolic link at any place, even one that is swapped in meanwhile) is refused by the system call itself.
use std::io;
use std::path::{Path, PathBuf};

use backend::Failure;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};

use crate::Error;

pub(crate) struct Root(Dir);

impl Root {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Dir::open_ambient_dir(path, ambient_authority())
            .map(Self)
            .map_err(|source| Error::Root { path: path.to_owned(), source })
    }

    /// Opens a regular file to read.
    pub(crate) fn file(&self, path: &str) -> Result<File, Failure> {
        self.open_file(Path::new(path)).map_err(|error| refused(path, &error))
    }

    /// As [`Self::file`], for a path that no caller named.
    pub(crate) fn open_file(&self, path: &Path) -> io::Result<File> {
        // Without O_NONBLOCK, opening a named pipe would wait for a writer.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_NONBLOCK);
        let file = self.0.open_with(path, &options)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(file)
    }

    /// Opens a folder to list.
    pub(crate) fn folder(&self, path: &Path) -> io::Result<Dir> {
        if path.as_os_str().is_empty() { self.0.open_dir(".") } else { self.0.open_dir(path) }
    }

    /// The path without links, `.` and `..`; empty for the root itself.
    pub(crate) fn resolve(&self, path: &str) -> Result<PathBuf, Failure> {
        let path = if path.is_empty() { "." } else { path };
        let resolved = self.0.canonicalize(path).map_err(|error| refused(path, &error))?;
        Ok(resolved.components().filter(|part| *part != std::path::Component::CurDir).collect())
    }
}

/// What to tell a caller: its own path, never the host's.
pub(crate) fn refused(path: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::not_found(format!("path: there is no {path:?} below the root folder"))
        }
        // Refusals by the operating system carry its number, those for leaving the root don't.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Failure::forbidden(format!(
            "path: {path:?} leads out of the root folder; use a path relative to it, without links that leave it"
        )),
        io::ErrorKind::PermissionDenied => Failure::forbidden(format!("path: {path:?} may not be read")),
        io::ErrorKind::IsADirectory => {
            Failure::invalid_params(format!("path: {path:?} is a folder, not a file"))
        }
        io::ErrorKind::NotADirectory => {
            Failure::invalid_params(format!("path: {path:?} is not a folder, or goes through a file"))
        }
        io::ErrorKind::Unsupported => {
            Failure::invalid_params(format!("path: {path:?} is not a regular file"))
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => {
            Failure::invalid_params(format!("path: {path:?} is not a valid path"))
        }
        _ if error.raw_os_error() == Some(libc::ELOOP) => {
            Failure::invalid_params(format!("path: {path:?} goes through too many links"))
        }
        _ => Failure::internal(error),
    }
}
