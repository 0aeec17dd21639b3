//! Many clients at once with equal ids, through one child.

use super::{ERAS, Scene};
use crate::peer::Peer;
use serde_json::{Value, json};

#[test]
fn clients_with_equal_ids_never_see_each_others_messages() {
    const CLIENTS: usize = 200;
    for server in ERAS {
        let scene = Scene::new(server);
        let mut peers: Vec<Peer> = (0..CLIENTS).map(|n| scene.client(ERAS[n % 2])).collect();
        let ids = [json!(1), json!("1"), json!(-1), json!("\u{e9}")];
        for (n, peer) in peers.iter_mut().enumerate() {
            for (at, id) in ids.iter().enumerate() {
                let arguments = json!({"text": format!("{n}/{at}")});
                let tool = if at % 2 == 0 { "echo" } else { "progress" };
                let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": id}});
                peer.send(id, "tools/call", &params);
            }
        }
        for (n, peer) in peers.iter_mut().enumerate() {
            let mut open = ids.to_vec();
            let mut told = [0; 4];
            let place = |id: &Value| ids.iter().position(|known| known == id);
            while !open.is_empty() {
                let message = peer.message();
                let at = place(&message["id"]).or_else(|| place(&message["params"]["progressToken"]));
                let at = at.unwrap_or_else(|| panic!("client {n}: {message}"));
                if message["method"] == "notifications/progress" {
                    assert!(open.contains(&ids[at]), "client {n}: none after the end, {message}");
                    told[at] += 1;
                    continue;
                }
                open.retain(|id| *id != ids[at]);
                if at % 2 == 0 {
                    let params = &message["result"]["structuredContent"]["params"];
                    assert_eq!(params["arguments"]["text"], format!("{n}/{at}"), "client {n}: {message}");
                }
            }
            assert_eq!(told, [0, 2, 0, 2], "client {n}");
        }
    }
}
