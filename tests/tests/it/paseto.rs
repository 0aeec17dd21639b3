//! Tokens of `v4.public` at the door, beside JWTs.

use auth::{Algorithm, KeySettings};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pasetors::keys::{AsymmetricKeyPair, AsymmetricSecretKey, Generate};
use pasetors::version4::{PublicToken, V4};
use serde_json::{Value, json};
use tests::{Client, Gateway};

/// The head of every Ed25519 public key (RFC 8410 section 4).
const HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

struct House {
    gateway: Gateway,
    key: AsymmetricSecretKey<V4>,
}

impl House {
    /// A gateway with a key of both forms.
    fn start() -> Self {
        let pair = AsymmetricKeyPair::<V4>::generate().expect("the system has randomness");
        let body = BASE64_STANDARD.encode([&HEAD[..], pair.public.as_bytes()].concat());
        let gateway = Gateway::with(|config| {
            config.auth.keys.push(KeySettings {
                id: Some("2026".to_owned()),
                algorithm: Algorithm::V4Public,
                public_key: Some(format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")),
                ..KeySettings::default()
            });
        });
        Self { gateway, key: pair.secret }
    }

    fn token(&self, kid: &str, claims: &Value) -> String {
        let footer = json!({"kid": kid}).to_string();
        let claims = claims.to_string();
        PublicToken::sign(&self.key, claims.as_bytes(), Some(footer.as_bytes()), None).expect("the key signs")
    }

    fn accepted(&self, token: &str) -> Client {
        let upgrade = self.gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
        self.gateway.accepted(&upgrade)
    }

    fn refused(&self, token: &str) -> String {
        let upgrade = self.gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
        let response = self.gateway.ask(&upgrade);
        assert_eq!(response.status, 401, "{token}");
        response.header("WWW-Authenticate").expect("a 401 says why").to_owned()
    }
}

fn claims(exp: &str) -> Value {
    json!({"sub": "robot", "tenant": "acme", "scope": "fs:read", "exp": exp})
}

#[test]
fn a_paseto_opens_the_door_and_refreshes_what_a_jwt_opened() {
    let house = House::start();
    let token = house.token("2026", &claims("2999-01-01T00:00:00Z"));
    let mut client = house.accepted(&token);
    let session = client.ask("initialize", &json!({}));
    assert_eq!((&session["tenant"], &session["agent"]), (&json!("acme"), &json!("robot")));
    let later = house.token("2026", &claims("2999-01-01T00:01:00Z"));
    let refreshed = client.ask("session.refresh", &json!({"token": later}));
    assert_eq!(refreshed["expires_at"], 32_472_144_060_u64);
    // A browser brings it as a subprotocol.
    let upgrade = house.gateway.upgrade().without("Authorization");
    let offered = format!("mcp.v1, mcpw.bearer.{token}");
    house.gateway.accepted(&upgrade.replace("Sec-WebSocket-Protocol", &offered)).check_alive();
    house.gateway.connect().check_alive();
}

#[test]
fn a_paseto_that_does_not_hold_is_refused() {
    let house = House::start();
    let right = claims("2999-01-01T00:00:00Z");
    assert!(house.refused(&house.token("2025", &right)).contains("signature can't be verified"));
    assert!(house.refused(&house.token("2026", &claims("2001-01-01T00:00:00Z"))).contains("has expired"));
    let token = house.token("2026", &right);
    let other = House::start();
    assert!(other.refused(&token).contains("signature can't be verified"));
    for prefix in ["v4.local.", "v3.public.", "v2.public."] {
        assert!(house.refused(&token.replacen("v4.public.", prefix, 1)).contains("malformed"), "{prefix}");
    }
    house.accepted(&token).check_alive();
}
