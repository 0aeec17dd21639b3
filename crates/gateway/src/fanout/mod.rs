//! Events on their way to subscribers. A shard keeps the newest part of each log that somebody here reads, each event
//! encoded once for each wire; a connection holds a cursor into it and nothing else.

mod entry;
mod filter;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod log;
mod logs;
mod reader;
mod tails;

pub(crate) use entry::Entry;
pub(crate) use filter::Filter;
pub(crate) use log::Log;
use log::Step;
pub(crate) use logs::Logs;
pub(crate) use reader::{News, Reader};
pub(crate) use tails::{Watch, follow};
