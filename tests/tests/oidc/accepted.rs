//! Tokens that a gateway takes.

use crate::provider::Provider;
use crate::{ALGORITHMS, accepted, gateway};
use serde_json::json;
use tests::Http;

#[test]
fn tokens_of_each_algorithm_open_connections_and_rest() {
    let provider = Provider::start("one");
    let gateway = gateway(&provider);
    for algorithm in ALGORITHMS {
        let token = provider.token(algorithm);
        let mut client = accepted(&gateway, &token);
        let who = client.ask("initialize", &json!({}));
        assert_eq!((&who["tenant"], &who["agent"]), (&json!("acme"), &json!("bot")), "{algorithm}");
        assert_eq!(Http::with_token(&gateway, &token).get("/tools").status, 200, "{algorithm}");
    }
    // The gateway's own key goes on beside it.
    gateway.connect().check_alive();
}

#[test]
fn scopes_of_a_token_are_those_that_the_provider_granted() {
    let provider = Provider::start("one");
    let gateway = gateway(&provider);
    let event = json!({"name": "a.b", "data": 1});
    let mut client = accepted(&gateway, &provider.token_with("ES256", "event:publish"));
    client.ask("event.publish", &event);
    let mut client = accepted(&gateway, &provider.token_with("ES256", ""));
    let error = client.ask_wrong("event.publish", &event, 4013);
    assert!(error.contains("event:publish"), "{error}");
}
