//! The contracts of the stores, written once. A store mounts each with one macro line.
pub(crate) mod directory;
