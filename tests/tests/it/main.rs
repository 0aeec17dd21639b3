//! Behaviour through the public surface: a gateway on real sockets, and clients that write every byte themselves.
//! The functions named after attacks are one each for the lines of the attack checklist.

mod addresses;
mod api_keys;
mod audit;
mod authorization;
mod batches;
mod binary;
mod busy_poll;
mod calls;
mod cancels;
mod close_payloads;
mod closing;
mod compression;
mod control;
mod crowds;
mod drain;
mod echo;
mod floods;
mod fragments;
mod frames;
mod handshake;
mod handshake_limits;
mod heartbeat;
mod identity;
mod ids;
mod issuers;
mod json;
mod live_tokens;
mod logs;
mod memory;
mod methods;
mod pages;
mod params;
mod paseto;
mod rates;
mod resets;
mod revocations;
mod splits;
mod subprotocols;
mod telemetry;
mod utf8;

use gateway::Config;
use tests::Process;

/// The gateway as a process of its own.
fn process(configure: impl FnOnce(&mut Config)) -> Process {
    Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), configure)
}
