//! Tokens that a gateway refuses: the client is told what the holder of a real token needs, the operator why.

use crate::provider::Provider;
use crate::{answer, issuer};
use auth::{Algorithm, IssuerSettings};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tests::{Process, audited, until};

const UNVERIFIED: &str = "the token's signature can't be verified";

/// A gateway that tells its operator everything.
struct Observed {
    gateway: Process,
    folder: tempfile::TempDir,
}

impl Observed {
    fn start(issuer: IssuerSettings) -> Self {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        let gateway = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
            config.auth.leeway_s = 0;
            config.auth.issuers.push(issuer);
            config.audit.file = Some(file(folder.path()));
        });
        Self { gateway, folder }
    }

    /// Checks that a token is refused with these words to the client, and this reason in the log and the audit log.
    #[track_caller]
    fn check(&self, kind: &str, token: &str, told: &str, reason: &str) {
        let refusals = || self.audited().into_iter().filter(|line| line["event"] == "refuse");
        let (before, told_before) = (refusals().count(), self.refusals_in_the_log().len());
        let response = answer(&self.gateway, token);
        assert_eq!((response.status, response.error().as_str()), (401, told), "{kind}");
        let challenge =
            format!("Bearer realm=\"mcpw\", error=\"invalid_token\", error_description=\"{told}\"");
        assert_eq!(response.header("WWW-Authenticate"), Some(&*challenge), "{kind}");
        let line = until("the line in the audit log", || refusals().nth(before));
        assert_eq!((&line["reason"], &line["address"]), (&reason.into(), &"127.0.0.1".into()), "{kind}");
        let line = until("the line in the log", || self.refusals_in_the_log().into_iter().nth(told_before));
        assert!(line.contains(&format!("\"reason\":\"{reason}\"")), "{kind}: {line}");
    }

    fn refusals_in_the_log(&self) -> Vec<String> {
        self.gateway.log().into_iter().filter(|line| line.contains("a token was refused")).collect()
    }

    fn audited(&self) -> Vec<Value> {
        audited(&file(self.folder.path()))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("audit.jsonl")
}

/// With another tenant among its claims.
fn with_other_claims(token: &str) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(&parts[1]).expect("a part is base64url");
    let claims = String::from_utf8(claims).expect("claims are text").replace("acme", "evil");
    parts[1] = BASE64_URL_SAFE_NO_PAD.encode(claims);
    parts.join(".")
}

/// With another character within its signature.
fn with_other_signature(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let other = if signature.starts_with('A') { "B" } else { "A" };
    format!("{message}.{other}{}", &signature[1..])
}

#[test]
fn a_token_of_every_wrong_kind_is_refused() {
    let (provider, stranger) = (Provider::start("one"), Provider::start("one"));
    let impostor = Provider::impostor(&provider, "one");
    let observed = Observed::start(issuer(&provider));
    let good = provider.token("RS256");
    let brief = provider.token("brief");
    let audience = "the token is for another audience";
    observed.check("ID token", &provider.id_token(), audience, "wrong_audience");
    observed.check("of another audience", &provider.token("elsewhere"), audience, "wrong_audience");
    observed.check("opaque", &provider.token("opaque"), "the token is malformed", "malformed");
    let tenant = "the token's claim tenant is missing or invalid";
    observed.check("without a tenant", &provider.token("tenantless"), tenant, "bad_claim");
    observed.check("of a provider unknown here", &stranger.token("RS256"), UNVERIFIED, "unknown_key");
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let forged = impostor.token(algorithm);
        observed.check("of a provider with the same name and key ids", &forged, UNVERIFIED, "bad_signature");
    }
    observed.check("with other claims", &with_other_claims(&good), UNVERIFIED, "bad_signature");
    observed.check("with another signature", &with_other_signature(&good), UNVERIFIED, "bad_signature");
    until("the brief token's end", || (answer(&observed.gateway, &brief).status == 401).then_some(()));
    observed.check("expired", &brief, "the token has expired", "expired");
    answer(&observed.gateway, &good).check_accepts(&crate::bearer(&observed.gateway, &good));
    // No token, and no part that would make one, is in any log.
    let log = observed.gateway.log().join("\n") + &format!("{:?}", observed.audited());
    for token in [&good, &brief] {
        let signature = token.rsplit('.').next().expect("three parts");
        assert!(!log.contains(signature), "a token is in the log");
    }
}

#[test]
fn a_token_beyond_what_its_issuer_may_do_is_refused() {
    let provider = Provider::start("one");
    let strict = |algorithms: &[Algorithm], tenants: &[&str]| {
        Observed::start(IssuerSettings {
            algorithms: algorithms.to_vec(),
            tenants: tenants.iter().map(|&tenant| tenant.to_owned()).collect(),
            ..issuer(&provider)
        })
    };
    let observed = strict(&[Algorithm::ES256], &[]);
    assert_eq!(answer(&observed.gateway, &provider.token("ES256")).status, 101);
    for algorithm in ["RS256", "EdDSA", "Ed25519"] {
        observed.check(algorithm, &provider.token(algorithm), UNVERIFIED, "wrong_algorithm");
    }
    let observed = strict(&[], &["another"]);
    let tenant = "the token's claim tenant is missing or invalid";
    observed.check("of a tenant that is not its own", &provider.token("ES256"), tenant, "bad_claim");
}
