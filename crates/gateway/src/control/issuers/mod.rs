//! The published keys of issuers: fetched at the start, kept fresh, and fetched again when a token names one that is
//! not there. It refuses to know tokens: when keys are due, and which are good, `auth` says.

mod failure;
mod fetch;
mod follow;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;

use failure::Failure;
pub(crate) use follow::{Follower, start};
