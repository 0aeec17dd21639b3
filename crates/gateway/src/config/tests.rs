use super::*;
use std::path::{Path, PathBuf};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/config/mcpw.yaml")
}

fn load_text(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mcpw.yaml");
    std::fs::write(&path, text).unwrap();
    let told = |error: ConfigError| error.to_string().replace(&*folder.path().to_string_lossy(), "");
    load(Config::default(), Some(&path), &Overrides::new()).map_err(told)
}

#[track_caller]
fn check_refused(text: &str, expected: &[&str]) {
    let error = load_text(text).expect_err("the file is wrong");
    for part in expected {
        assert!(error.contains(part), "{error:?} does not hold {part:?}");
    }
}

#[test]
fn the_shipped_file_holds_every_key_with_its_default() {
    let text = std::fs::read_to_string(shipped()).unwrap();
    let written: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(written, serde_json::to_value(Config::default()).unwrap());
    assert!(load(Config::default(), Some(&shipped()), &Overrides::new()).is_ok());
}

#[test]
fn every_key_of_the_shipped_file_has_a_comment() {
    let text = std::fs::read_to_string(shipped()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for pair in lines.windows(2) {
        let is_key = pair[1].contains(':') && !pair[1].trim_start().starts_with('#');
        assert!(!is_key || pair[0].trim_start().starts_with('#'), "{} has no comment", pair[1]);
    }
}

#[test]
fn an_unknown_key_is_told_with_file_line_and_nearest_key() {
    check_refused(
        "websocket:\n  path: /ws\n  max_conections: 5\n",
        &["mcpw.yaml:3", "unknown key `max_conections`", "did you mean `max_connections`?"],
    );
    check_refused("websockets: {}\n", &["mcpw.yaml:1", "did you mean `websocket`?"]);
}

#[test]
fn a_wrong_type_is_told_with_its_line() {
    check_refused("websocket:\n  max_connections: many\n", &["mcpw.yaml:2"]);
    check_refused("websocket: [\n", &["mcpw.yaml:"]);
}

#[test]
fn a_value_out_of_range_is_told_with_what_would_be_right() {
    check_refused("websocket:\n  max_in_flight: 0\n", &["websocket.max_in_flight = 0", "1 or more"]);
    check_refused("websocket:\n  max_frame_size: 124\n", &["websocket.max_frame_size = 124"]);
    assert!(load_text("websocket:\n  max_frame_size: 125\n").is_ok());
    check_refused("websocket:\n  path: ws\n", &["websocket.path = ws", "begins with /"]);
    for path in ["/api/v1/ws", "/mcp", "/.well-known/oauth-protected-resource/ws"] {
        let told = format!("websocket.path = {path}");
        check_refused(&format!("websocket:\n  path: {path}\n"), &[&told, "not below /api/v1"]);
    }
    assert!(load_text("websocket:\n  path: /api/ws\n").is_ok());
    check_refused("rest:\n  max_wait_ms: 600001\n", &["rest.max_wait_ms = 600001"]);
    assert!(load_text("rest:\n  max_wait_ms: 600000\n").is_ok());
    check_refused("runtime:\n  busy_poll_us: 10001\n", &["runtime.busy_poll_us = 10001", "10000 or less"]);
    assert!(load_text("runtime:\n  busy_poll_us: 10000\n").is_ok());
    for key in ["max_tools", "max_backends"] {
        let told = format!("metrics.{key} = 10001");
        check_refused(&format!("metrics:\n  {key}: 10001\n"), &[&told, "10000 or less"]);
        assert!(load_text(&format!("metrics:\n  {key}: 10000\n")).is_ok());
        assert!(load_text(&format!("metrics:\n  {key}: 0\n")).is_ok());
    }
    check_refused("traces:\n  ratio: 1.01\n", &["traces.ratio = 1.01", "from 0 to 1"]);
    check_refused("traces:\n  queue: 0\n", &["traces.queue = 0"]);
    check_refused("traces:\n  timeout_ms: 60001\n", &["traces.timeout_ms = 60001"]);
    check_refused("traces:\n  protocol: thrift\n", &["mcpw.yaml:2"]);
    // Somebody may have put credentials into it.
    check_refused("traces:\n  endpoint: collector:4317\n", &["traces.endpoint = ...", "http://host:port"]);
    assert!(
        load_text("traces: {endpoint: 'https://a:4317', ratio: 1, queue: 1, timeout_ms: 60000}\n").is_ok()
    );
    check_refused("backends: ['ftp://a:1']\n", &["backends = ftp://a:1"]);
    check_refused("router:\n  max_calls_per_replica: 0\n", &["router.max_calls_per_replica"]);
}

#[test]
fn settings_of_the_registry_that_do_not_go_together_are_told() {
    let registry = |text: &str| format!("registry:\n{text}");
    check_refused(&registry("  tls: {cert_file: a.pem}\n"), &["registry.tls.key_file"]);
    check_refused(&registry("  tls: {client_certificates: required}\n"), &["registry.tls.client_ca_file"]);
    let asking = "client_ca_file: ca.pem, client_certificates: required";
    check_refused(&registry(&format!("  tls: {{{asking}}}\n")), &["registry.tls.cert_file"]);
    check_refused(&registry("  proof: optional\n"), &["mcpw.yaml:2", "neither off nor required"]);
    check_refused(&registry("  backends: [{name: a, tool: x}]\n"), &["mcpw.yaml:2", "tools"]);
    check_refused(
        &registry("  backends: [{name: a, san: 'spiffe://x/a'}]\n"),
        &["registry.tls.client_certificates = off", "optional or required with a san"],
    );
    check_refused(&registry("  max_streams: 0\n"), &["registry.max_streams = 0", "1 or more"]);
    for word in ["off", "'off'", "required"] {
        let config = load_text(&registry(&format!("  proof: {word}\n"))).unwrap();
        assert_eq!(config.registry.asks_for_proof(), word == "required");
    }
    let config = load_text(&registry("  backends: [{name: a, token_hash: 'sha256:00'}]\n")).unwrap();
    assert!(config.registry.asks_for_proof(), "who lists backends asks for proofs");
}

#[test]
fn settings_of_tls_that_do_not_go_together_are_told() {
    let pair = "  cert_file: a.pem\n  key_file: a.key\n";
    let tls = |text: &str| format!("tls:\n{text}");
    check_refused(&tls("  cert_file: a.pem\n"), &["tls.key_file", "the key of tls.cert_file"]);
    check_refused(&tls("  key_file: a.key\n"), &["tls.cert_file"]);
    let both = format!("{pair}  certificates: [{{cert_file: b.pem, key_file: b.key}}]\n");
    check_refused(&tls(&both), &["either tls.certificates or tls.cert_file"]);
    check_refused(&tls("  certificates: [{cert_file: b.pem}]\n"), &["mcpw.yaml:2", "key_file"]);
    check_refused(&tls("  cipher_suites: [TLS_NULL]\n"), &["TLS_NULL", "one of TLS_AES_256_GCM_SHA384, "]);
    check_refused(&tls("  cipher_suites: []\n"), &["tls.cipher_suites", "TLS_AES_128_GCM_SHA256"]);
    check_refused(&tls("  min_version: '1.2'\n"), &["tls.min_version = 1.2", "TLS_ECDHE_ECDSA_WITH"]);
    check_refused(&tls("  min_version: '1.1'\n"), &["mcpw.yaml:2", "1.1"]);
    let old = "cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]";
    check_refused(&tls(&format!("  {old}\n")), &["tls.min_version = 1.3", "1.2 for the suites of TLS 1.2"]);
    for version in ["1.2", "'1.2'"] {
        let config = load_text(&tls(&format!("  min_version: {version}\n  {old}\n"))).unwrap();
        assert_eq!(config.tls.min_version, TlsVersion::V1_2);
    }
    for word in ["off", "'off'", "false"] {
        assert!(load_text(&tls(&format!("  client_certificates: {word}\n"))).is_ok(), "{word}");
    }
    check_refused(&tls("  client_certificates: on\n"), &["none of off, optional and required"]);
    let asking = "  client_certificates: required\n";
    check_refused(&tls(&format!("{pair}{asking}")), &["tls.client_ca_file"]);
    check_refused(&tls(&format!("{asking}  client_ca_file: ca.pem\n")), &["tls.cert_file"]);
    check_refused(&tls(&format!("{pair}  client_ca_file: ca.pem\n")), &["tls.client_certificates = off"]);
    assert!(load_text(&tls(&format!("{pair}{asking}  client_ca_file: ca.pem\n"))).is_ok());
}

#[test]
fn networks_that_are_none_are_told() {
    let security = |text: &str| format!("security:\n  {text}\n");
    for key in ["trusted_proxies", "allowed_addresses", "denied_addresses"] {
        for network in ["10.0.0.0/33", "example.com", "10.0.0"] {
            let told = format!("security.{key} = {network}");
            check_refused(&security(&format!("{key}: ['{network}']")), &[&told, "10.0.0.0/8"]);
        }
        let right = security(&format!("{key}: [10.0.0.0/8, '2001:db8::/32', 192.0.2.1, '::1']"));
        assert!(load_text(&right).is_ok(), "{key}");
    }
    check_refused(&security("proxy_protocol: required"), &["security.trusted_proxies", "PROXY protocol"]);
    check_refused(&security("proxy_protocol: on"), &["none of off, optional and required"]);
    let both = "proxy_protocol: optional\n  trusted_proxies: [10.0.0.0/8]";
    assert_eq!(load_text(&security(both)).unwrap().security.proxy_protocol, Demand::Optional);
}

#[test]
fn rates_are_read_by_their_names() {
    let config = load_text(
        "limits:\n  user: {per_minute: 60}\n  methods: {tool.execute: {burst: 2, per_minute: 3}}\n",
    );
    let limits = config.unwrap().limits;
    assert_eq!(limits.user, Rate { per_minute: 60, burst: 0 });
    assert_eq!(limits.methods["tool.execute"], Rate { per_minute: 3, burst: 2 });
    check_refused("limits:\n  user: {per_second: 5}\n", &["mcpw.yaml:2", "unknown key `per_second`"]);
    check_refused("limits:\n  flood: 0\n", &["limits.flood = 0", "1 or more"]);
}

#[test]
fn a_missing_file_is_told_by_name() {
    let error = load(Config::default(), Some(Path::new("/nowhere.yaml")), &Overrides::new())
        .expect_err("there is no such file");
    assert!(error.to_string().starts_with("/nowhere.yaml: "), "{error}");
}

#[test]
fn flags_stand_above_the_file() {
    let overrides = Overrides::from([("websocket.listen", ("--listen", "127.0.0.1:7".into()))]);
    let config = load(Config::default(), Some(&shipped()), &overrides).unwrap();
    assert_eq!(config.websocket.listen, ([127, 0, 0, 1], 7).into());
}

#[test]
fn rules_that_are_none_are_told_with_their_place() {
    let rules =
        |text: &str| format!("authorization:\n  rules: [{{effect: allow}}, {{effect: deny, {text}}}]\n");
    let right = "a prefix that ends with * such as \"fs.*\"";
    check_refused(&rules("tools: ['']"), &["authorization.rules[1].tools has \"\"", right]);
    check_refused(&rules("methods: [a*b]"), &["authorization.rules[1].methods has \"a*b\"", right]);
    check_refused(&rules("agents: []"), &["authorization.rules[1].agents is an empty list", "leave it out"]);
    check_refused(&rules("tool: [x]"), &["mcpw.yaml:2", "tool"]);
    check_refused("authorization:\n  default: no\n", &["mcpw.yaml:2", "allow"]);
    assert!(load_text(&rules("tools: ['fs.*'], tenants: ['*']")).is_ok());
}
