//! A backend whose tools do real work on the machine where it runs: files below one root folder, the time,
//! an echo and a sleep. Every tool only reads.

mod echo;
mod error;
mod limits;
mod list;
mod matches;
mod now;
mod open;
mod read;
mod rules;
mod search;
mod sleep;
mod walk;
mod work;

use std::path::Path;
use std::sync::Arc;

use backend::Backend;

pub use error::Error;
pub use limits::Limits;

use open::Root;
use work::Work;

/// The backend `tools` over this root folder, with default limits. The folder may be named by a symbolic link;
/// it is opened once, here.
///
/// # Errors
/// The root is not a folder that can be opened.
pub fn backend(root: &Path) -> Result<Backend, Error> {
    backend_with(root, Limits::default())
}

/// As [`backend()`], with other limits.
///
/// # Errors
/// The root is not a folder that can be opened, or a limit is 0.
pub fn backend_with(root: &Path, limits: Limits) -> Result<Backend, Error> {
    limits.check()?;
    let root = Arc::new(Root::open(root)?);
    let work = Work::new(limits.concurrent_files);
    Ok(Backend::new("tools")
        .version(env!("CARGO_PKG_VERSION"))
        .tool(read::tool(root.clone(), work.clone(), limits.max_read))
        .tool(list::tool(root.clone(), work.clone()))
        .tool(search::tool(root, work))
        .tool(now::tool())
        .tool(echo::tool())
        .tool(sleep::tool()))
}
