//! What the conformance suite of Model Context Protocol finds of the platform over HTTP, in both eras. Knows the suite as a
//! program, and the platform as processes.

mod platform;
mod report;
mod suite;

pub use platform::Platform;
pub use report::Report;
pub use suite::Suite;

/// The versions of the protocol that the suite has requirements of.
pub const VERSIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];
