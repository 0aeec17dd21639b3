//! What the operator allows. Limits that only keep results readable stand beside their tools.
use crate::Error;

/// Bounds on what callers can make the machine do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes that one `fs.read` may return. Default 16 MiB.
    pub max_read: u64,
    /// `fs.*` calls that may use the disk at once; more wait their turn. Default 8.
    pub concurrent_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_read: 16 << 20, concurrent_files: 8 }
    }
}

impl Limits {
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.max_read == 0 {
            return Err(Error::Limit { limit: "max_read" });
        }
        if self.concurrent_files == 0 {
            return Err(Error::Limit { limit: "concurrent_files" });
        }
        Ok(())
    }
}
