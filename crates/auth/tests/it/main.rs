//! Through the public surface: what gets in, what must not, and what an operator is told.

mod api_keys;
mod attacks;
mod certificates;
mod configuration;
mod forge;
mod issuers;
mod mutations;
mod paseto;
mod tokens;
