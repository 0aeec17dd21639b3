//! Attacks on the whole house: forged tokens, other tenants, secrets that would leak, clocks that jump, a host without
//! descriptors or room. Those on one room alone stand in `it`, `sessions`, `contexts` and `tls`.

mod canary;
mod clock;
mod descriptors;
mod disk;
mod lockfile;
mod siege;
mod tenants;
mod tokens;

const MCPW: &str = env!("CARGO_BIN_EXE_mcpw-under-test");
