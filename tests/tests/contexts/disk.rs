//! A disk without room: a write is refused, what was written stays, and writing goes on as soon as there is room.

use crate::{MCPW, create, get};
use serde_json::json;
use tests::{Contexts, Disk, Gateway, until};

#[test]
fn disk_full() {
    let gateway = Gateway::start();
    let disk = Disk::of_kib(4_096);
    let database = format!("sqlite:{}", disk.file("contexts.db").display());
    let mut service = Contexts::through(&disk.command(), MCPW, &database, &gateway);
    let mut client = gateway.connect();
    let content = "text ".repeat(4_000);
    let mut written: Vec<String> =
        (0..5).map(|_| create(&mut client, &json!({ "content": content }))).collect();
    disk.fill(service.id());
    // What room there is left is used up before.
    let refusal = until("a write that is refused", || {
        client.request("more", "context.create", &json!({ "content": content }));
        let answer = client.message();
        if let Some(id) = answer["result"]["id"].as_str() {
            written.push(id.to_owned());
            return None;
        }
        Some(answer)
    });
    assert_eq!(refusal["error"]["code"], 4009, "{refusal}");
    for _ in 0..3 {
        client.ask_wrong(
            "context.update",
            &json!({"id": written[0], "content": "other ".repeat(4_000)}),
            4009,
        );
        // It serves what there is.
        assert_eq!(get(&mut client, &written[0])["content"], content);
        let list = client.ask("context.list", &json!({"limit": 100}));
        assert_eq!(list["contexts"].as_array().map(Vec::len), Some(written.len()), "{list}");
    }
    assert_eq!(gateway.admin("/health/ready").status, 200);
    client.check_alive();
    disk.empty(service.id());
    written.push(create(&mut client, &json!({ "content": content })));
    client.ask("context.update", &json!({"id": written[0], "content": "other"}));
    // Nothing of it was torn.
    assert_eq!(get(&mut client, &written[0])["content"], "other");
    for id in &written[1..] {
        assert_eq!(get(&mut client, id)["content"], content);
    }
    service.kill();
}
