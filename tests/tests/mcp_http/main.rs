//! Model Context Protocol over Streamable HTTP: raw requests of both eras on real sockets, at one gateway and at several that
//! share a Redis.

mod authorization;
mod batches;
mod calls;
mod form;
mod modern;
mod notifications;
mod peer;
mod pods;
#[path = "../mcp/server.rs"]
mod server;
mod sessions;

use peer::Peer;
use server::Server;

/// Waits until the server was asked to tell of all these resources.
fn await_listener(server: &Server, uris: &[String]) {
    tests::until(&format!("the server to be asked for news of {uris:?}"), || {
        let asked = server.asked.lock().expect("nobody panics with it");
        asked
            .iter()
            .any(|(method, params)| {
                method == "subscriptions/listen" && uris.iter().all(|uri| params.contains(uri.as_str()))
            })
            .then_some(())
    });
}
