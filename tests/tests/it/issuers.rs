//! Issuers whose keys are published: rotation, outages, floods, discovery, and files that change.

use auth::IssuerSettings;
use gateway::Config;
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Authority, Client, Gateway, Pair, Process, Provider, Request, until};

const KEYS: &str = "/keys";
const DISCOVERY: &str = "/.well-known/openid-configuration";
const ISSUER: &str = "https://login.example.com";

/// An issuer whose keys are at the provider.
fn issuer(provider: &Provider) -> IssuerSettings {
    IssuerSettings {
        issuer: ISSUER.to_owned(),
        jwks_url: Some(provider.url(KEYS)),
        min_refresh_ms: 100,
        ..IssuerSettings::default()
    }
}

fn gateway(issuer: IssuerSettings) -> Gateway {
    Gateway::with(|config| config.auth.issuers.push(issuer))
}

fn bearer(gateway: &Gateway, token: &str) -> Request {
    gateway.upgrade().replace("Authorization", &format!("Bearer {token}"))
}

fn status(gateway: &Gateway, token: &str) -> u16 {
    gateway.ask(&bearer(gateway, token)).status
}

fn accepted(gateway: &Gateway, pair: &Pair) -> Client {
    gateway.accepted(&bearer(gateway, &pair.mint(ISSUER)))
}

fn await_accepted(gateway: &Gateway, pair: &Pair) {
    let token = pair.mint(ISSUER);
    until("the token to be accepted", || (status(gateway, &token) == 101).then_some(()));
}

#[test]
fn a_rotated_key_is_taken_after_one_fetch_and_connections_go_on() {
    let (provider, old, new) = (Provider::start(), Pair::fresh("old"), Pair::fresh("new"));
    provider.publish(KEYS, Pair::set(&[&old]));
    let gateway = gateway(issuer(&provider));
    let mut live = accepted(&gateway, &old);
    live.check_alive();
    assert_eq!(provider.requests(KEYS), 1);
    provider.publish(KEYS, Pair::set(&[&new]));
    await_accepted(&gateway, &new);
    assert_eq!(provider.requests(KEYS), 2);
    live.check_alive();
    // The gateway's own key goes on beside it.
    gateway.connect().check_alive();
    assert_eq!(status(&gateway, &old.mint(ISSUER)), 401, "the old key was withdrawn");
}

#[test]
fn jwks_down_leaves_the_last_good_keys() {
    let (provider, old, new) = (Provider::start(), Pair::fresh("old"), Pair::fresh("new"));
    provider.publish(KEYS, Pair::set(&[&old]));
    let gateway = gateway(IssuerSettings { min_refresh_ms: 10, max_refresh_ms: 10, ..issuer(&provider) });
    accepted(&gateway, &old).check_alive();
    let await_fetches = |why: &str| {
        let before = provider.requests(KEYS);
        // The second has begun, so the first is over.
        until(why, || (provider.requests(KEYS) > before + 2).then_some(()));
    };
    provider.set_down(true);
    await_fetches("fetches that fail");
    accepted(&gateway, &old).check_alive();
    provider.set_down(false);
    for bad in ["{", "{\"keys\":[]}", "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"] {
        provider.publish("/other", Pair::set(&[&new]));
        provider.publish(KEYS, bad.to_owned());
        await_fetches(bad);
        accepted(&gateway, &old).check_alive();
        assert_eq!(provider.requests("/other"), 0, "no redirect is followed");
    }
    provider.publish(KEYS, format!("{{\"keys\":[],\"padding\":\"{}\"}}", "x".repeat(300_000)));
    await_fetches("a document that is too large");
    accepted(&gateway, &old).check_alive();
    provider.publish(KEYS, Pair::set(&[&new]));
    await_accepted(&gateway, &new);
}

#[test]
fn jwks_down_at_the_start_is_awaited() {
    let (provider, pair) = (Provider::start(), Pair::fresh("a"));
    provider.set_down(true);
    let gateway = gateway(issuer(&provider));
    gateway.connect().check_alive();
    assert_eq!(status(&gateway, &pair.mint(ISSUER)), 401);
    provider.publish(KEYS, Pair::set(&[&pair]));
    provider.set_down(false);
    await_accepted(&gateway, &pair);
}

#[test]
fn jwks_unknown_kid_flood() {
    const REST: Duration = Duration::from_millis(500);
    let (provider, known, forger) = (Provider::start(), Pair::fresh("known"), Pair::fresh("forger"));
    provider.publish(KEYS, Pair::set(&[&known]));
    let began = Instant::now();
    let settings = IssuerSettings { min_refresh_ms: REST.as_millis() as u64, ..issuer(&provider) };
    let gateway = gateway(settings);
    let token = forger.mint(ISSUER);
    for _ in 0..200 {
        assert_eq!(status(&gateway, &token), 401);
    }
    accepted(&gateway, &known).check_alive();
    let requests = provider.requests(KEYS) as u128;
    let allowed = 1 + began.elapsed().as_millis() / REST.as_millis();
    assert!(requests <= allowed, "{requests} fetches, but {allowed} are allowed");
    assert!(allowed < 100, "the flood was too slow to tell anything");
}

#[test]
fn jwks_slow() {
    let (provider, known, new) = (Provider::start(), Pair::fresh("known"), Pair::fresh("new"));
    provider.publish(KEYS, Pair::set(&[&known]));
    let gateway = Gateway::with(|config| {
        config.auth.key_wait_ms = 500;
        let hasty = IssuerSettings { fetch_timeout_ms: 1_000, max_refresh_ms: 100, ..issuer(&provider) };
        config.auth.issuers.push(hasty);
    });
    accepted(&gateway, &known).check_alive();
    provider.drip(1, Duration::from_millis(20));
    let before = provider.requests(KEYS);
    // The second has begun, so the first was given up.
    until("a fetch that is given up", || (provider.requests(KEYS) > before + 1).then_some(()));
    let began = Instant::now();
    accepted(&gateway, &known).check_alive();
    assert!(began.elapsed() < Duration::from_millis(400), "waited {:?} for no key", began.elapsed());
    // Whoever needs a key that does not come waits for it, and not for ever.
    let began = Instant::now();
    assert_eq!(status(&gateway, &new.mint(ISSUER)), 401);
    assert!(began.elapsed() < Duration::from_secs(2), "refused after {:?}", began.elapsed());
    provider.publish(KEYS, Pair::set(&[&new]));
    provider.answer_whole();
    await_accepted(&gateway, &new);
}

#[test]
fn jwks_huge() {
    let (provider, known, new) = (Provider::start(), Pair::fresh("known"), Pair::fresh("new"));
    provider.publish(KEYS, Pair::set(&[&known]));
    let process = crate::process(|config| {
        let hasty = IssuerSettings { min_refresh_ms: 10, max_refresh_ms: 10, ..issuer(&provider) };
        config.auth.issuers.push(hasty);
    });
    let upgrade =
        |pair: &Pair| process.upgrade().replace("Authorization", &format!("Bearer {}", pair.mint(ISSUER)));
    until("the keys", || (process.ask(&upgrade(&known)).status == 101).then_some(()));
    // A gigabyte, as fast as it is taken.
    provider.drip(64 * 1024, Duration::ZERO);
    let fetches = |count: usize| {
        let before = provider.requests(KEYS);
        until("fetches that are given up", || (provider.requests(KEYS) > before + count).then_some(()));
    };
    fetches(5);
    let before = process.usage().memory();
    fetches(50);
    let grown = process.usage().memory().saturating_sub(before);
    assert!(grown < 4 * 1024 * 1024, "{grown} bytes more after 50 fetches");
    process.accepted(&upgrade(&known)).check_alive();
    provider.publish(KEYS, Pair::set(&[&new]));
    provider.answer_whole();
    until("the new key", || (process.ask(&upgrade(&new)).status == 101).then_some(()));
}

#[test]
fn keys_that_are_fresh_for_longer_than_time_lasts_are_taken() {
    let (provider, pair) = (Provider::start(), Pair::fresh("a"));
    let set = Pair::set(&[&pair]);
    let head = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age={}\r\nContent-Length: ", u64::MAX);
    provider.publish(KEYS, format!("{head}{}\r\n\r\n{set}", set.len()));
    let gateway = gateway(issuer(&provider));
    accepted(&gateway, &pair).check_alive();
}

#[test]
fn keys_are_discovered() {
    let (provider, pair) = (Provider::start(), Pair::fresh("a"));
    let name = provider.url("");
    provider.publish(KEYS, Pair::set(&[&pair]));
    provider.publish(DISCOVERY, json!({"issuer": name, "jwks_uri": provider.url(KEYS)}).to_string());
    let settings = IssuerSettings { issuer: name.clone(), discover: true, ..IssuerSettings::default() };
    let gateway = gateway(settings);
    gateway.accepted(&bearer(&gateway, &pair.mint(&name))).check_alive();
    assert_eq!(status(&gateway, &pair.mint(ISSUER)), 401, "another issuer's name");
}

#[tokio::test]
async fn a_discovered_document_that_can_not_be_trusted_ends_the_start() {
    let authority = Authority::fresh("believed");
    let file = believing(&authority);
    let (plain, encrypted) = (Provider::start(), Provider::start_tls(authority.server("127.0.0.1")));
    for (provider, issuer, keys, told) in [
        (&plain, "https://other", plain.url(KEYS), "the issuer \"https://other\""),
        (&plain, &*plain.url(""), "http://example.com/keys".to_owned(), "only fetched by https"),
        (&encrypted, &*encrypted.url(""), plain.url(KEYS), "only fetched by https"),
    ] {
        let name = provider.url("");
        provider.publish(DISCOVERY, json!({"issuer": issuer, "jwks_uri": keys}).to_string());
        let mut config = Config::default();
        config.websocket.listen = ([127, 0, 0, 1], 0).into();
        config.admin.listen = ([127, 0, 0, 1], 0).into();
        config.registry.listen = ([127, 0, 0, 1], 0).into();
        config.auth.issuers.push(IssuerSettings {
            issuer: name.clone(),
            discover: true,
            ca_file: Some(file.path().to_owned()),
            ..IssuerSettings::default()
        });
        let gateway = gateway::Gateway::bind(config).expect("the gateway can be bound");
        let error = gateway.run(std::future::pending()).await.expect_err("it does not start").to_string();
        assert!(error.contains(&name) && error.contains(told), "{error}");
    }
}

#[test]
fn a_file_of_keys_is_followed_and_a_broken_one_changes_nothing() {
    let [first, second, third] = ["1", "2", "3"].map(Pair::fresh);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    let write = |text: &str| std::fs::write(&path, text).expect("the file is written");
    write(&Pair::set(&[&first]));
    let settings = IssuerSettings {
        issuer: ISSUER.to_owned(),
        jwks_file: Some(path.clone()),
        ..IssuerSettings::default()
    };
    let gateway = gateway(settings);
    accepted(&gateway, &first).check_alive();
    write(&Pair::set(&[&second]));
    await_accepted(&gateway, &second);
    assert_eq!(status(&gateway, &first.mint(ISSUER)), 401);
    write("{\"keys\":");
    // Tokens of unknown keys have the file read.
    for _ in 0..20 {
        assert_eq!(status(&gateway, &third.mint(ISSUER)), 401);
    }
    accepted(&gateway, &second).check_alive();
    std::fs::remove_file(&path).expect("the file can be removed");
    assert_eq!(status(&gateway, &third.mint(ISSUER)), 401);
    accepted(&gateway, &second).check_alive();
    write(&Pair::set(&[&third]));
    await_accepted(&gateway, &third);
}

/// A file that believes this authority.
fn believing(authority: &Authority) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &authority.pem).expect("the file is ours");
    file
}

#[test]
fn keys_come_by_https_from_a_server_that_a_trusted_authority_vouches_for() {
    let (authority, pair) = (Authority::fresh("believed"), Pair::fresh("a"));
    let provider = Provider::start_tls(authority.server("127.0.0.1"));
    let name = provider.url("");
    provider.publish(KEYS, Pair::set(&[&pair]));
    provider.publish(DISCOVERY, json!({"issuer": name, "jwks_uri": provider.url(KEYS)}).to_string());
    let authorities = believing(&authority);
    let trusting = |name: &str| IssuerSettings {
        ca_file: Some(authorities.path().to_owned()),
        issuer: name.to_owned(),
        ..issuer(&provider)
    };
    let gateway = Gateway::with(|config| {
        config.auth.issuers.push(trusting(ISSUER));
        config.auth.issuers.push(IssuerSettings { discover: true, jwks_url: None, ..trusting(&name) });
    });
    accepted(&gateway, &pair).check_alive();
    gateway.accepted(&bearer(&gateway, &pair.mint(&name))).check_alive();
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused_and_told_of() {
    let (authority, stranger, pair) =
        (Authority::fresh("believed"), Authority::fresh("strange"), Pair::fresh("a"));
    let authorities = believing(&authority);
    for (server, told) in [
        (stranger.server("127.0.0.1"), "UnknownIssuer"),
        (authority.server("localhost"), "certificate not valid for name"),
    ] {
        let provider = Provider::start_tls(server);
        provider.publish(KEYS, Pair::set(&[&pair]));
        let process = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
            let ca_file = Some(authorities.path().to_owned());
            config.auth.issuers.push(IssuerSettings { ca_file, ..issuer(&provider) });
        });
        let line = process.await_log("an issuer's keys were not read");
        for part in [ISSUER, &provider.url(KEYS), "invalid peer certificate", told] {
            assert!(line.contains(part), "{line}");
        }
        let token = pair.mint(ISSUER);
        let upgrade = process.upgrade().replace("Authorization", &format!("Bearer {token}"));
        assert_eq!(process.ask(&upgrade).status, 401);
        assert_eq!(provider.requests(KEYS), 0, "nothing was asked of it");
    }
}
