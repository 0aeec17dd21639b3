//! The client against real WebSocket servers that do as each test says.

mod asking;
mod binary;
mod calls;
mod closing;
mod frames;
mod handshake;
mod mcp;
mod notifications;
mod overflow;
mod reconnecting;
mod resuming;
mod subscribing;
mod support;
