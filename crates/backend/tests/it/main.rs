//! Backends served on loopback sockets and called as a gateway calls them, with generated gRPC clients.
mod calls;
mod cancel;
mod describe;
mod event_log;
mod harness;
mod joins;
mod limits;
mod panics;
mod process;
mod publishing;
mod registration;
mod registry;
mod reports;
mod sessions;
mod shutdown;
