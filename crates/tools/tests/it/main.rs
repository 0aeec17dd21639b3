//! The tools, served on loopback sockets over real folders and called as a gateway calls them.
mod containment;
mod harness;
mod list;
mod plain;
mod process;
mod read;
mod search;
