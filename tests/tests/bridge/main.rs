//! The bridge as a process: servers that others have made, behind a real gateway, and what is left when processes are killed.

mod harness;
mod processes;
mod real_servers;
mod sessions;
