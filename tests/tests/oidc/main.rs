//! Identity providers as they are: the npm package oidc-provider over https, as clients and gateways meet it. Tokens of each
//! algorithm and every wrong kind come from its token endpoint, keys by discovery, certificates from the test's own authority.

mod accepted;
mod provider;
mod refused;
mod rotation;

use auth::IssuerSettings;
use provider::Provider;
use tests::{Client, Endpoints, Gateway, PATIENCE, Request, Response};

/// What the gateway is called by the provider.
const AUDIENCE: &str = "mcpw";

/// What each generation of keys signs with, as headers of tokens call it. RFC 9864 calls the last two the same.
const ALGORITHMS: [&str; 4] = ["RS256", "ES256", "EdDSA", "Ed25519"];

/// The provider as a gateway is told of it.
fn issuer(provider: &Provider) -> IssuerSettings {
    IssuerSettings {
        issuer: provider.issuer(),
        audience: Some(AUDIENCE.to_owned()),
        discover: true,
        ca_file: Some(provider.authority()),
        // So short that whoever asks may have the keys fetched.
        min_refresh_ms: 1,
        fetch_timeout_ms: PATIENCE.as_millis() as u64,
        ..IssuerSettings::default()
    }
}

fn gateway(provider: &Provider) -> Gateway {
    Gateway::with(|config| {
        config.auth.issuers.push(issuer(provider));
        // However slow the machine is, a new key is there at the first token that names it.
        config.auth.key_wait_ms = PATIENCE.as_millis() as u64;
        // Connections that wait for a provider are not asked whether they live.
        config.websocket.ping_interval_ms = 600_000;
    })
}

fn bearer(gateway: &Endpoints, token: &str) -> Request {
    gateway.upgrade().replace("Authorization", &format!("Bearer {token}"))
}

fn accepted(gateway: &Endpoints, token: &str) -> Client {
    gateway.accepted(&bearer(gateway, token))
}

fn answer(gateway: &Endpoints, token: &str) -> Response {
    gateway.ask(&bearer(gateway, token))
}
