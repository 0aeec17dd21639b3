//! Certificates of clients.

use crate::{NAME, Setting, asked, check_refused, connect, open, shake};
use auth::CertificateRule;
use gateway::config::Demand::{self, Optional, Required};
use serde_json::json;
use tests::{Authority, Bearer, Gateway, Http, PATIENCE, Received, Request, Trust, until};

/// A gateway that asks for certificates of this authority.
fn asking(setting: &Setting, clients: &Authority, how: Demand) -> Gateway {
    setting.gateway(|config| asked(config, setting, clients, how))
}

#[test]
fn client_cert_missing_expired_other_ca_wrong_san() {
    let setting = Setting::new();
    let clients = Authority::fresh("clients");
    let good = setting.trust().bearing(&clients.certify(&["agent.example"]));
    let expired = setting.trust().bearing(&clients.certify_expired(&["agent.example"]));
    let foreign = setting.trust().bearing(&Authority::fresh("others").certify(&["agent.example"]));
    for how in [Optional, Required] {
        let gateway = asking(&setting, &clients, how);
        check_refused(&gateway, &expired, "certificate_expired");
        check_refused(&gateway, &foreign, "certificate_unknown");
        if how == Required {
            check_refused(&gateway, &setting.trust(), "certificate_missing");
        } else {
            connect(&gateway, &setting.trust()).check_alive();
        }
        let mut client = connect(&gateway, &good);
        client.check_alive();
        // Whoever is refused disturbs nobody.
        drop(shake(&gateway, &foreign));
        client.check_alive();
    }
    // One whose name is no agent's is good for TLS, and for nothing else.
    let gateway = setting.gateway(|config| {
        asked(config, &setting, &clients, Required);
        config.tls.client_identities = rules();
    });
    for nameless in
        [clients.certify(&["acme.example"]), clients.certify_uri("spiffe://other/ns/acme/agent/ci")]
    {
        let trust = setting.trust().bearing(&nameless);
        assert_eq!(status(&gateway, &trust, &tokenless(&gateway)), 401);
    }
}

#[test]
fn a_certificate_that_is_not_asked_for_is_not_looked_at() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let foreign = setting.trust().bearing(&Authority::fresh("others").certify(&["agent.example"]));
    connect(&gateway, &foreign).check_alive();
}

/// Rules for agents of one tenant, by URI and by DNS name.
fn rules() -> Vec<CertificateRule> {
    let scopes = vec!["*".to_owned()];
    let uri = "spiffe://cluster/ns/{tenant}/agent/{agent}".to_owned();
    let name = "{agent}.acme.example".to_owned();
    vec![
        CertificateRule { san: uri, tenant: None, agent: None, scopes: scopes.clone() },
        CertificateRule { san: name, tenant: Some("acme".to_owned()), agent: None, scopes },
    ]
}

/// An upgrade without a token.
fn tokenless(gateway: &Gateway) -> Request {
    gateway.upgrade().without("Authorization")
}

/// The status of the answer to this upgrade over a connection of its own.
fn status(gateway: &Gateway, trust: &Trust, request: &Request) -> u16 {
    let mut socket = open(gateway, trust);
    socket.send(&request.bytes());
    socket.response().status
}

#[test]
fn a_certificate_with_a_name_that_fits_needs_no_token() {
    let setting = Setting::new();
    let clients = Authority::fresh("clients");
    let gateway = setting.gateway(|config| {
        asked(config, &setting, &clients, Optional);
        config.tls.client_identities = rules();
        // Where certificates say who clients are, no token need be possible.
        config.auth.keys.clear();
    });
    let bearing = |bearer: &Bearer| setting.trust().bearing(bearer);
    let spiffe = bearing(&clients.certify_uri("spiffe://cluster/ns/acme/agent/ci"));
    let dns = bearing(&clients.certify(&["ci.acme.example"]));
    for trust in [&spiffe, &dns] {
        let mut client = gateway.accepted_on(open(&gateway, trust), &tokenless(&gateway));
        let session = client.ask("initialize", &json!({"client": "test"}));
        assert!(session["session_id"].is_string(), "{session}");
        client.check_alive();
        let mut http = Http::over(open(&gateway, trust), "");
        http.bytes(b"GET /api/v1/tools HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(http.response().status, 200);
    }
    // Good certificates, but not of agents, and none at all: a token is needed.
    let foreign = bearing(&clients.certify_uri("spiffe://elsewhere/ns/acme/agent/ci"));
    let nameless = bearing(&clients.certify(&["ci.other.example"]));
    for trust in [&foreign, &nameless, &setting.trust()] {
        assert_eq!(status(&gateway, trust, &tokenless(&gateway)), 401);
    }
}

#[test]
fn a_token_has_to_be_of_the_certificates_agent_where_that_is_asked() {
    let setting = Setting::new();
    let clients = Authority::fresh("clients");
    let gateway = setting.gateway(|config| {
        asked(config, &setting, &clients, Optional);
        config.tls.client_identities = rules();
        config.tls.client_must_match_token = true;
    });
    // The tokens here are of the agent `agent` of the tenant `tenant`.
    let uri = |uri: &str| setting.trust().bearing(&clients.certify_uri(uri));
    connect(&gateway, &uri("spiffe://cluster/ns/tenant/agent/agent")).check_alive();
    let others = [
        uri("spiffe://cluster/ns/tenant/agent/other"),
        uri("spiffe://cluster/ns/other/agent/agent"),
        uri("spiffe://elsewhere/ns/tenant/agent/agent"),
        setting.trust(),
    ];
    for trust in &others {
        assert_eq!(status(&gateway, trust, &gateway.upgrade()), 401);
        let mut http = Http::over(open(&gateway, trust), &gateway.keys.token());
        assert_eq!(http.get("/tools").status, 401);
    }
}

#[test]
fn an_authority_that_was_taken_out_lets_nobody_in_again() {
    let setting = Setting::new();
    let clients = Authority::fresh("clients");
    let gateway = asking(&setting, &clients, Required);
    let config = setting.trust().bearing(&clients.certify(&["agent.example"])).config();
    // Under TLS 1.3 it is known only with the first answer whether the gateway accepts.
    let comes_in = || {
        let Ok(mut socket) = gateway.open().under_tls(&config, NAME) else { return false };
        socket.offer(&gateway.upgrade().bytes())
            && loop {
                match socket.receive(PATIENCE) {
                    Received::Nothing => {}
                    received => break received == Received::Bytes,
                }
            }
    };
    assert!(comes_in() && comes_in(), "the certificate is good");
    setting.write_authority(&Authority::fresh("next"), "clients.pem");
    until("the end of the old authority", || (!comes_in()).then_some(()));
}
