//! Many clients at once with equal ids.

use crate::{Peer, Server};
use serde_json::{Value, json};
use tests::Gateway;

#[test]
fn clients_with_equal_ids_never_see_each_others_messages() {
    const CLIENTS: usize = 200;
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let tools = tests::Tools::at(&gateway);
    Peer::modern(&gateway).await_tool("echo");
    let mut peers: Vec<Peer> = (0..CLIENTS)
        .map(|n| if n % 2 == 0 { Peer::modern(&gateway) } else { Peer::legacy(&gateway, "2025-11-25") })
        .collect();
    let ids = [json!(1), json!("1"), json!(-1), json!("\u{e9}")];
    for (n, peer) in peers.iter_mut().enumerate() {
        for (at, id) in ids.iter().enumerate() {
            let text = format!("{n}/{at}");
            let params = json!({"name": "echo", "arguments": {"text": text}, "_meta": {"progressToken": id}});
            peer.send(id, "tools/call", &params);
        }
    }
    for (n, peer) in peers.iter_mut().enumerate() {
        let mut open: Vec<(Value, String)> =
            ids.iter().enumerate().map(|(at, id)| (id.clone(), format!("{n}/{at}"))).collect();
        while !open.is_empty() {
            let message = peer.message();
            let place = open.iter().position(|(id, _)| *id == message["id"]);
            let (_, text) = open.swap_remove(place.unwrap_or_else(|| panic!("client {n}: {message}")));
            assert_eq!(
                message["result"]["structuredContent"],
                json!({ "text": text }),
                "client {n}: {message}"
            );
        }
    }
    drop(tools);
}
