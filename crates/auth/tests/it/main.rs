//! Through the public surface: what gets in, what must not, and what an operator is told.

mod attacks;
mod certificates;
mod configuration;
mod forge;
mod mutations;
mod tokens;
