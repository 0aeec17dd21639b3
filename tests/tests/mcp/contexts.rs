//! Contexts as resources.

use crate::Peer;
use serde_json::json;
use tests::{Contexts, Gateway};

const MCPW: &str = env!("CARGO_BIN_EXE_mcpw-under-test");

#[test]
fn contexts_are_resources_that_are_listed_read_and_heard_of() {
    let gateway = Gateway::start();
    let _service = Contexts::passing(MCPW, &gateway);
    let mut owner = gateway.connect();
    let made = owner.ask("context.create", &json!({"content": {"n": 1}, "metadata": {"name": "notes"}}));
    let id = made["id"].as_str().expect("an id").to_owned();
    let uri = format!("context://{id}");
    let mut modern = Peer::modern(&gateway);
    let mut legacy = Peer::legacy(&gateway, "2025-11-25");
    for peer in [&mut modern, &mut legacy] {
        let listed = peer.ask("resources/list", &json!({}));
        assert_eq!(
            (&listed["resources"][0]["uri"], &listed["resources"][0]["name"]),
            (&json!(uri), &json!("notes"))
        );
        let read = peer.ask("resources/read", &json!({ "uri": uri }));
        assert_eq!(read["contents"][0]["text"], "{\"n\":1}");
        assert_eq!(read["contents"][0]["mimeType"], "application/json");
        let templates = peer.ask("resources/templates/list", &json!({}));
        assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "context://{id}");
    }
    let missing = json!({"uri": "context://01900000-0000-7000-8000-000000000000"});
    modern.wrong("resources/read", &missing, -32602);
    legacy.wrong("resources/read", &missing, -32002);

    let filter = json!({"notifications": {"resourceSubscriptions": [uri]}});
    modern.send(&json!("listening"), "subscriptions/listen", &filter);
    let acknowledged = modern.note("notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["notifications"], filter["notifications"]);
    assert_eq!(acknowledged["_meta"]["io.modelcontextprotocol/subscriptionId"], "listening");
    legacy.ask("resources/subscribe", &json!({ "uri": uri }));
    owner.ask("context.update", &json!({"id": id, "content": {"n": 2}}));
    let told = modern.note("notifications/resources/updated");
    assert_eq!(told["uri"], json!(uri));
    assert_eq!(told["_meta"]["io.modelcontextprotocol/subscriptionId"], "listening");
    assert_eq!(legacy.note("notifications/resources/updated"), json!({ "uri": uri }));
    legacy.ask("resources/unsubscribe", &json!({ "uri": uri }));
    owner.ask("context.delete", &json!({ "id": id }));
    assert_eq!(modern.note("notifications/resources/updated")["uri"], json!(uri));
    modern.json(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "listening"}}),
    );
    for peer in [&mut modern, &mut legacy] {
        assert_eq!(peer.ask("resources/list", &json!({}))["resources"], json!([]), "and hears no more");
    }
}
