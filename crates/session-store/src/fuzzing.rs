//! What a store answers, under fire: the bodies of the fuzz targets.

pub use crate::redis::fuzzing::replies;
