//! The REST API through real sockets: what a WebSocket does, for those who can't hold one; in one gateway, and in several
//! that share a Redis.

mod calls;
mod connections;
mod contexts;
mod events;
mod execute;
mod keys;
mod limits;
mod problems;
mod tickets;

use tests::{Contexts, Endpoints, Keys, Pods, Process};

const MCPW: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

/// A gateway in a process of its own, which can be killed.
fn process(pods: &Pods) -> Process {
    pods.process(MCPW)
}

/// The context service, with a database that ends with it.
fn contexts(gateway: &Endpoints) -> Contexts {
    Contexts::passing(MCPW, gateway)
}

/// A token of another tenant with all scopes.
fn stranger(keys: &Keys) -> String {
    let claims = Keys::claims();
    keys.mint(&auth::Claims { scopes: claims.scopes, ..auth::Claims::new("stranger", "agent") })
}

/// A token without any scope.
fn powerless(keys: &Keys) -> String {
    keys.mint(&auth::Claims { scopes: Vec::new(), ..Keys::claims() })
}
