//! The router against real backends and against ones that misbehave, over loopback TCP.
mod balance;
mod calls;
mod deadlines;
mod health;
mod loss;
mod misbehaviour;
mod rogue;
mod shard;
mod table;
mod unary;
