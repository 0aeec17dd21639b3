//! The stores against the contract that each of them keeps, and Redis against its failures.
mod cluster;
mod contract;
mod failures;
mod idle;
mod memory;
mod sentinel;
mod servers;
mod standalone;
mod tls;
