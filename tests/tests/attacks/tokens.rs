//! Tokens that must not get in, sent as a client would, to the upgrade and to REST. Each is refused with 401; the audit log has the
//! reason, and a client without a signature that holds learns nothing.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gateway::Config;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tests::{Client, Gateway, Http, Keys, Response, audited, until};

const UNAUTHORIZED: &str = "websocket_handshakes_refused_total{reason=\"unauthorized\"}";
const FORWARDED: &str = "X-Forwarded-For";
/// What is said of every failure on the way to a signature that holds.
const UNVERIFIED: &str = "the token's signature can't be verified";

/// A gateway with an audit log, and its secret for whoever forges.
struct Door {
    gateway: Gateway,
    folder: TempDir,
    /// Who has come so far, each from an address of their own: refusals of one would be told together.
    comers: Cell<u32>,
}

impl Door {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().expect("the system has a folder for temporary files");
        let gateway = Gateway::with(|config| {
            config.audit.file = Some(folder.path().join("audit.jsonl"));
            config.security.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
            configure(config);
        });
        Self { gateway, folder, comers: Cell::new(0) }
    }

    /// The address of somebody who has not come before.
    fn comer(&self) -> String {
        self.comers.set(self.comers.get() + 1);
        Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + self.comers.get()).to_string()
    }

    /// A token of exactly this header and these claims, signed with the gateway's own secret.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        signed(header, claims, self.gateway.keys.secret().as_bytes())
    }

    fn upgrade(&self, token: &str, comer: &str) -> Response {
        let request = self.gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
        self.gateway.ask(&request.with(FORWARDED, comer))
    }

    fn accepted(&self, token: &str) -> Client {
        let bearer = format!("Bearer {token}");
        self.gateway.accepted(&self.gateway.upgrade().replace("Authorization", &bearer))
    }

    /// Why somebody was refused, by the audit log.
    fn reason(&self, comer: &str) -> Option<String> {
        let lines = audited(&self.folder.path().join("audit.jsonl"));
        let refused = lines.iter().find(|line| line["event"] == "refuse" && line["address"] == comer)?;
        Some(refused["reason"].as_str().expect("a reason").to_owned())
    }

    /// The token comes in nowhere, and the operator is told this reason; what the client is told.
    #[track_caller]
    fn check_refused(&self, token: &str, reason: &str) -> String {
        let counted = self.gateway.metrics().value(UNAUTHORIZED);
        let comers = [self.comer(), self.comer()];
        let response = self.upgrade(token, &comers[0]);
        assert_eq!(response.status, 401, "{token}: {response:?}");
        let challenge = response.header("WWW-Authenticate").expect("it says what is needed");
        assert!(challenge.starts_with("Bearer realm=\"mcpw\", error=\"invalid_token\""), "{challenge}");
        self.gateway.await_metric(UNAUTHORIZED, counted + 1.0);
        let headers = [(FORWARDED, &*comers[1])];
        let rest = Http::with_token(&self.gateway, token).ask("GET", "/tools", &headers, None);
        assert_eq!(rest.status, 401, "{token}: {rest:?}");
        for comer in &comers {
            let told = until("a line in the audit log", || self.reason(comer));
            assert_eq!(told, reason, "{token}");
        }
        response.error()
    }

    /// As [`Self::check_refused`], for a token whose signature does not hold: the client can't tell why.
    #[track_caller]
    fn check_unverified(&self, token: &str, reason: &str) {
        assert_eq!(self.check_refused(token, reason), UNVERIFIED);
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970").as_secs()
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

/// Claims that the default settings accept.
fn claims() -> Value {
    json!({"sub": "agent", "tenant": "tenant", "scopes": ["*"], "exp": now() + 600})
}

/// With one more name.
fn with(mut base: Value, name: &str, value: Value) -> Value {
    base[name] = value;
    base
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn signed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let (key, algorithm) = (EncodingKey::from_secret(secret), jsonwebtoken::Algorithm::HS256);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).expect("a secret signs");
    format!("{message}.{signature}")
}

#[test]
fn a_token_with_which_nothing_is_wrong_comes_in() {
    let door = Door::new();
    door.accepted(&door.sign(&header(), &claims())).check_alive();
    assert_eq!(Http::with_token(&door.gateway, &door.sign(&header(), &claims())).get("/tools").status, 200);
}

#[test]
fn alg_confusion() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a pair can be made");
    let public = pair.public_key_pem();
    let door = Door::with(|config| {
        let (id, algorithm) = (Some("rs".to_owned()), auth::Algorithm::RS256);
        let key = auth::KeySettings { id, algorithm, public_key: Some(public.clone()), ..Default::default() };
        config.auth.keys = vec![key];
    });
    let der = public.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = base64::prelude::BASE64_STANDARD.decode(der).expect("a PEM is base64");
    for secret in [public.as_bytes(), public.trim_end().as_bytes(), &der] {
        door.check_unverified(
            &signed(&with(header(), "kid", json!("rs")), &claims(), secret),
            "wrong_algorithm",
        );
        door.check_unverified(&signed(&header(), &claims(), secret), "unknown_key");
        let own = json!({"alg": "RS256", "kid": "rs"});
        door.check_unverified(&signed(&own, &claims(), secret), "bad_signature");
    }
}

#[test]
fn kid_traversal() {
    let door = Door::new();
    let long = "a".repeat(4_000);
    for kid in ["", "../../../dev/null", "/dev/null", "main\0", "' OR 1=1 --", "file:///dev/null", "0", &long]
    {
        let header = with(header(), "kid", json!(kid));
        door.check_unverified(&door.sign(&header, &claims()), "unknown_key");
        // What the named file would hold: an empty secret.
        door.check_unverified(&signed(&header, &claims(), b"\0"), "unknown_key");
    }
    for kid in [json!(1), json!(["main"]), json!({"main": 1}), json!(true)] {
        door.check_refused(&door.sign(&with(header(), "kid", kid), &claims()), "malformed");
    }
}

#[test]
fn jku_x5u_jwk_embedded() {
    let door = Door::new();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    nobody.set_nonblocking(true).expect("it is a socket");
    let address = format!("http://{}/keys", nobody.local_addr().expect("it is bound"));
    let own = "a key of the attacker, of thirty-two bytes";
    for (name, value) in [
        ("jku", json!(address)),
        ("x5u", json!(address)),
        ("jwk", json!({"kty": "oct", "k": encode(own)})),
        ("x5c", json!(["MIIB"])),
        ("jku", Value::Null),
        ("jwk", json!({})),
    ] {
        let header = with(header(), name, value);
        door.check_refused(&door.sign(&header, &claims()), "embedded_key");
        door.check_refused(&signed(&header, &claims(), own.as_bytes()), "embedded_key");
    }
    let error = nobody.accept().expect_err("nobody asks where a token says");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn crit_unknown() {
    let door = Door::new();
    for crit in
        [json!(["exp"]), json!(["b64"]), json!(["urn:x"]), json!([]), json!("b64"), json!(1), Value::Null]
    {
        door.check_refused(&door.sign(&with(header(), "crit", crit), &claims()), "unknown_critical");
    }
}

#[test]
fn wrong_aud() {
    let door = Door::with(|config| config.auth.audience = Some("gateway".to_owned()));
    let token = |aud: Value| door.sign(&header(), &with(claims(), "aud", aud));
    for aud in
        [json!("other"), json!(["other", "third"]), json!([]), json!("gateway "), json!("GATEWAY"), json!("")]
    {
        let told = door.check_refused(&token(aud), "wrong_audience");
        assert!(!told.contains("gateway"), "the client is told which audience is ours: {told}");
    }
    for aud in [json!("gateway"), json!(["other", "gateway"])] {
        door.accepted(&token(aud)).check_alive();
    }
    // Where none is configured, a token for somebody else is none for us either.
    let door = Door::new();
    door.check_refused(&door.sign(&header(), &with(claims(), "aud", json!("other"))), "wrong_audience");
}

#[test]
fn missing_aud() {
    let door = Door::with(|config| config.auth.audience = Some("gateway".to_owned()));
    door.check_refused(&door.sign(&header(), &claims()), "wrong_audience");
}

#[test]
fn wrong_iss() {
    let door = Door::with(|config| config.auth.issuer = Some("https://us".to_owned()));
    let token = |iss: &str| door.sign(&header(), &with(claims(), "iss", json!(iss)));
    for iss in ["https://them", "https://us/", "https://US", "http://us", ""] {
        let told = door.check_refused(&token(iss), "wrong_issuer");
        assert!(!told.contains("https://us"), "the client is told who issues ours: {told}");
    }
    door.check_refused(&door.sign(&header(), &claims()), "wrong_issuer");
    door.accepted(&token("https://us")).check_alive();
}

#[test]
fn iss_aud_sub_nbf_of_wrong_type() {
    let door = Door::with(|config| {
        config.auth.issuer = Some("https://us".to_owned());
        config.auth.audience = Some("gateway".to_owned());
    });
    let right = with(with(claims(), "iss", json!("https://us")), "aud", json!("gateway"));
    door.accepted(&door.sign(&header(), &right)).check_alive();
    for (claim, values) in [
        ("iss", [json!(1), json!(["https://us"]), json!({"https://us": 1}), Value::Null]),
        ("aud", [json!(1), json!({"gateway": 1}), json!(["gateway", 1]), Value::Null]),
        ("sub", [json!(1), json!(["agent"]), json!({}), Value::Null]),
        ("tenant", [json!(1), json!(["tenant"]), json!({}), Value::Null]),
        ("nbf", [json!("x"), json!("0"), json!([0]), Value::Null]),
        ("exp", [json!("x"), json!("4102444800"), json!(u64::MAX), Value::Null]),
    ] {
        for value in values {
            let told =
                door.check_refused(&door.sign(&header(), &with(right.clone(), claim, value)), "bad_claim");
            assert!(told.contains(claim), "{told}");
        }
    }
}

#[test]
fn two_tokens_one_cache_slot() {
    let door = Door::new();
    let of = |tenant: &str| with(with(claims(), "tenant", json!(tenant)), "jti", json!("one"));
    let (a, b) = (door.sign(&header(), &of("a")), door.sign(&header(), &of("b")));
    let tenant = |token: &str| door.accepted(token).ask("initialize", &json!({}))["tenant"].clone();
    // Everything but the signature, everything but the payload, and one bit of either are a good token's.
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (a_parts, b_parts) = (parts(&a), parts(&b));
    let mut bent = a_parts[2].clone().into_bytes();
    bent[20] = if bent[20] == b'A' { b'B' } else { b'A' };
    let bent = String::from_utf8(bent).expect("base64 is ASCII");
    let forged = [
        format!("{}.{}.{}", a_parts[0], a_parts[1], b_parts[2]),
        format!("{}.{}.{}", a_parts[0], b_parts[1], a_parts[2]),
        format!("{}.{}.{bent}", a_parts[0], a_parts[1]),
        signed(&header(), &of("a"), Keys::fresh().secret().as_bytes()),
    ];
    for _ in 0..3 {
        for forged in &forged {
            assert_eq!((tenant(&a), tenant(&b)), (json!("a"), json!("b")));
            door.check_unverified(forged, "bad_signature");
        }
    }
}
