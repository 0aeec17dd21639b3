//! Keys that change while connections live.

use crate::provider::Provider;
use crate::{ALGORITHMS, accepted, answer, gateway};
use serde_json::json;
use tests::{Client, until};

fn connected(gateway: &tests::Gateway, provider: &Provider) -> Vec<Client> {
    ALGORITHMS.iter().map(|algorithm| accepted(gateway, &provider.token(algorithm))).collect()
}

#[test]
fn keys_rotate_under_live_connections() {
    let mut provider = Provider::start("old");
    let gateway = gateway(&provider);
    let mut live = connected(&gateway, &provider);
    let old: Vec<_> = ALGORITHMS.iter().map(|algorithm| provider.token(algorithm)).collect();

    // Both generations are published: the new one is taken at the first token that names it.
    provider.publish(&["new", "old"]);
    live.extend(connected(&gateway, &provider));
    for token in &old {
        accepted(&gateway, token).check_alive();
    }
    live.iter_mut().for_each(Client::check_alive);

    // The old one is withdrawn. With the next fetch its tokens are over, and their connections are not.
    provider.publish(&["newer", "new"]);
    live.extend(connected(&gateway, &provider));
    for token in &old {
        assert_eq!(answer(&gateway, token).status, 401);
    }
    live.iter_mut().for_each(Client::check_alive);
}

#[test]
fn a_connection_is_renewed_by_a_token_of_the_new_key() {
    let mut provider = Provider::start("old");
    let gateway = gateway(&provider);
    let mut live = accepted(&gateway, &provider.token("ES256"));
    provider.publish(&["new"]);
    let renewal = json!({"token": provider.token("EdDSA")});
    // On the way of a message no fetch is awaited: the first attempt asks for one.
    let error = live.ask_wrong("session.refresh", &renewal, 4001);
    assert!(error.contains("can't be verified"), "{error}");
    until("the new keys", || {
        live.request("again", "session.refresh", &renewal);
        live.message()["result"]["expires_at"].as_u64()
    });
    live.check_alive();
}

#[test]
fn while_a_killed_provider_is_away_its_last_good_keys_stay() {
    let mut provider = Provider::start("old");
    let gateway = gateway(&provider);
    let mut live = connected(&gateway, &provider);
    let old = provider.token("RS256");
    provider.publish(&["unseen"]);
    let unseen = provider.token("RS256");
    provider.kill();
    assert_eq!(answer(&gateway, &unseen).status, 401, "its key can't be fetched");
    accepted(&gateway, &old).check_alive();
    live.iter_mut().for_each(Client::check_alive);
    provider.restart("fresh");
    accepted(&gateway, &provider.token("ES256")).check_alive();
    assert_eq!(answer(&gateway, &old).status, 401, "its key was withdrawn");
    live.iter_mut().for_each(Client::check_alive);
}
