//! Which certificate a client is shown, and how a new one takes the old one's place.

use crate::{NAME, Setting, connect, shake};
use tests::{Authority, Endpoints, Trust, until};

/// The names for which a client of this authority gets through.
fn accepted<'a>(gateway: &Endpoints, trust: &Trust, names: &[&'a str]) -> Vec<&'a str> {
    let config = trust.config();
    names.iter().copied().filter(|name| gateway.open().under_tls(&config, name).is_ok()).collect()
}

#[test]
fn a_client_is_shown_the_certificate_with_the_name_it_asks_for() {
    let setting = Setting::new();
    let (first, second, third) = (Authority::fresh("a"), Authority::fresh("b"), Authority::fresh("c"));
    let gateway = tests::Gateway::with(|config| {
        config.tls.certificates = vec![
            setting.write(&first.certify(&["first.example", "127.0.0.1"]), "first"),
            setting.write(&second.certify(&["second.example", "also.example"]), "second"),
            setting.write(&third.certify(&["*.third.example"]), "third"),
        ];
    });
    let names = ["first.example", "second.example", "also.example", "a.third.example", "SECOND.example"];
    assert_eq!(accepted(&gateway, &Trust::of(&first), &names), ["first.example"]);
    assert_eq!(
        accepted(&gateway, &Trust::of(&second), &names),
        ["second.example", "also.example", "SECOND.example"]
    );
    assert_eq!(accepted(&gateway, &Trust::of(&third), &names), ["a.third.example"]);
    // A star is one label; what nobody has gets the first, as does a client that asks for no name.
    for name in ["a.b.third.example", "third.example", "unknown.example"] {
        let error = gateway.open().under_tls(&Trust::of(&first).config(), name).expect_err(name);
        assert!(error.to_string().contains("first.example"), "{name}: {error}");
    }
    assert_eq!(accepted(&gateway, &Trust::of(&first), &["127.0.0.1"]), ["127.0.0.1"]);
}

#[test]
fn a_new_pair_is_served_while_connections_live_on() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let mut client = connect(&gateway, &setting.trust());
    let next = Authority::fresh("next");
    setting.write(&next.certify(&[NAME]), "gateway");
    until("the new certificate", || shake(&gateway, &Trust::of(&next)).ok());
    assert!(shake(&gateway, &setting.trust()).is_err(), "the old certificate is still served");
    // What rcgen gives ends in the year 4096.
    gateway.await_metric("tls_certificate_expiry_seconds", 67_090_118_400.0);
    client.check_alive();
}
