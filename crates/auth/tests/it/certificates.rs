//! Whose a certificate is.

use auth::{CertificateRule, CertificateRules, certificate_expiry};
use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};

const END: u64 = 4_070_908_800;

/// A certificate with these URIs and DNS names, until the end of 2098.
fn certificate(names: &[&str]) -> Vec<u8> {
    let (uris, hosts): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
    let hosts: Vec<_> = hosts.into_iter().map(str::to_owned).collect();
    let mut params = CertificateParams::new(hosts).expect("names of hosts");
    params.subject_alt_names.extend(uris.into_iter().map(|uri| SanType::URI(uri.try_into().expect("ASCII"))));
    params.not_after = date_time_ymd(2099, 1, 1);
    let key = KeyPair::generate().expect("the system has randomness");
    params.self_signed(&key).expect("a key can sign").der().to_vec()
}

fn rule(san: &str, tenant: Option<&str>, agent: Option<&str>) -> CertificateRule {
    CertificateRule {
        san: san.to_owned(),
        tenant: tenant.map(str::to_owned),
        agent: agent.map(str::to_owned),
        scopes: vec!["fs:read".to_owned(), "fs:list".to_owned()],
    }
}

/// Who holds a certificate with these names, as `tenant/agent`.
fn holder(rules: &[CertificateRule], names: &[&str]) -> Option<String> {
    let identity =
        CertificateRules::new(rules).expect("the rules are right").identify(&certificate(names))?;
    Some(format!("{}/{}", identity.tenant(), identity.agent()))
}

#[test]
fn a_name_that_fits_says_tenant_and_agent() {
    let spiffe = [rule("spiffe://cluster/ns/{tenant}/agent/{agent}", None, None)];
    for (name, expected) in [
        ("spiffe://cluster/ns/acme/agent/ci", Some("acme/ci")),
        ("spiffe://cluster/ns/acme/agent/a.b@c", Some("acme/a.b@c")),
        ("spiffe://cluster/ns/acme/agent/", None),
        ("spiffe://cluster/ns//agent/ci", None),
        ("spiffe://cluster/ns/acme/agent/ci/more", None),
        ("spiffe://cluster/ns/acme/agent", None),
        ("spiffe://other/ns/acme/agent/ci", None),
        ("https://cluster/ns/acme/agent/ci", None),
        ("SPIFFE://cluster/ns/acme/agent/ci", None),
    ] {
        assert_eq!(holder(&spiffe, &[name]).as_deref(), expected, "{name}");
    }
    let dns = [rule("{agent}.Agents.example", Some("acme"), None)];
    for (name, expected) in [
        ("ci.agents.example", Some("acme/ci")),
        ("CI.AGENTS.EXAMPLE", Some("acme/ci")),
        ("a.ci.agents.example", None),
        ("agents.example", None),
        ("*.agents.example", None),
    ] {
        assert_eq!(holder(&dns, &[name]).as_deref(), expected, "{name}");
    }
}

#[test]
fn the_first_rule_that_fits_counts() {
    let rules = [
        rule("spiffe://cluster/{agent}", Some("first"), None),
        rule("gateway.example", Some("second"), Some("fixed")),
    ];
    assert_eq!(holder(&rules, &["gateway.example", "spiffe://cluster/x"]).as_deref(), Some("first/x"));
    assert_eq!(holder(&rules, &["gateway.example"]).as_deref(), Some("second/fixed"));
    assert_eq!(holder(&rules, &["other.example"]), None);
    assert_eq!(holder(&rules, &[]), None);
    assert_eq!(holder(&[], &["gateway.example"]), None);
}

#[test]
fn an_identity_has_the_rules_scopes_and_the_certificates_end() {
    let rules = CertificateRules::new(&[rule("a.example", Some("t"), Some("a"))]).unwrap();
    let certificate = certificate(&["a.example"]);
    let identity = rules.identify(&certificate).unwrap();
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["fs:read", "fs:list"]);
    assert_eq!((identity.expires_at(), identity.token_id()), (Some(END), None));
    assert_eq!(certificate_expiry(&certificate), Some(END));
    assert_eq!(rules.identify(b"no certificate"), None);
    assert_eq!(certificate_expiry(b"no certificate"), None);
}

#[test]
fn rules_that_say_too_little_or_too_much_are_told() {
    let bad_scope =
        CertificateRule { scopes: vec!["a b".to_owned()], ..rule("a.example", Some("t"), Some("a")) };
    for (rule, told) in [
        (rule("spiffe://cluster/{agent}", None, None), "the tenant once"),
        (rule("spiffe://cluster/{agent}/{tenant}", Some("t"), None), "the tenant once"),
        (rule("spiffe://{tenant}/{tenant}", None, Some("a")), "the tenant once"),
        (rule("{tenant}.example", None, None), "the agent once"),
        (rule("x-{agent}.example", Some("t"), None), "whole parts"),
        (rule("*.example", Some("t"), Some("a")), "whole parts"),
        (rule("{user}.example", Some("t"), Some("a")), "whole parts"),
        (rule("a.example", Some(""), Some("a")), "1 to 128 bytes"),
        (bad_scope, "scopes"),
    ] {
        let good = self::rule("a.example", Some("t"), Some("a"));
        let error = CertificateRules::new(&[good, rule]).unwrap_err().to_string();
        assert!(error.starts_with("tls.client_identities[1] ") && error.contains(told), "{error}");
    }
}
