//! What is agreed on in a handshake: version, suite, protocol, and how a client comes back.

use crate::{NAME, Setting, check_refused, connect, open, shake};
use gateway::config::{Demand, TlsVersion};
use rustls::version::TLS12;
use rustls::{CipherSuite, HandshakeKind, ProtocolVersion};

const REFUSED: &str = "tls";

#[test]
fn tls_1_2_is_refused_by_default() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    check_refused(&gateway, &setting.trust().versions(&[&TLS12]), REFUSED);
    let socket = open(&gateway, &setting.trust());
    let tls = socket.tls().expect("it is under TLS");
    assert_eq!(tls.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(tls.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn tls_1_2_is_spoken_where_it_is_allowed() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| {
        config.tls.min_version = TlsVersion::V1_2;
        config.tls.cipher_suites.push("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256".to_owned());
    });
    let mut client = connect(&gateway, &setting.trust().versions(&[&TLS12]));
    let version = client.tls().and_then(|tls| tls.protocol_version());
    assert_eq!(version, Some(ProtocolVersion::TLSv1_2));
    client.check_alive();
    // Whoever can do better does.
    let mut client = connect(&gateway, &setting.trust());
    assert_eq!(client.tls().and_then(|tls| tls.protocol_version()), Some(ProtocolVersion::TLSv1_3));
    client.check_alive();
}

#[test]
fn suites_are_those_of_the_settings() {
    let setting = Setting::new();
    let all = [
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS13_AES_128_GCM_SHA256,
    ];
    let gateway = setting.gateway(|_| {});
    for suite in all {
        let mut client = connect(&gateway, &setting.trust().suites(&[suite]));
        assert_eq!(
            client.tls().and_then(|tls| tls.negotiated_cipher_suite()).map(|s| s.suite()),
            Some(suite)
        );
        client.check_alive();
    }
    let gateway = setting.gateway(|config| {
        config.tls.cipher_suites = vec!["TLS_CHACHA20_POLY1305_SHA256".to_owned()];
    });
    check_refused(&gateway, &setting.trust().suites(&[all[0], all[2]]), REFUSED);
    connect(&gateway, &setting.trust()).check_alive();
}

#[test]
fn a_client_of_http_2_alone_is_refused() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    check_refused(&gateway, &setting.trust().protocols(&["h2"]), REFUSED);
    for protocols in [&["h2", "http/1.1"][..], &[]] {
        shake(&gateway, &setting.trust().protocols(protocols)).expect("a handshake");
    }
}

#[test]
fn a_client_comes_back_with_its_ticket() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let config = setting.trust().config();
    let kinds: Vec<_> = (0..3)
        .map(|_| {
            let socket = gateway.open().under_tls(&config, NAME).expect("a handshake");
            let mut client = gateway.accepted_on(socket, &gateway.upgrade());
            client.check_alive();
            client.tls().and_then(|tls| tls.handshake_kind())
        })
        .collect();
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed].map(Some));
}

#[test]
fn a_header_of_the_proxy_protocol_comes_before_the_handshake() {
    let setting = Setting::new();
    for how in [Demand::Optional, Demand::Required] {
        let gateway = setting.gateway(|config| {
            config.security.trusted_proxies = vec!["127.0.0.1".to_owned()];
            config.security.denied_addresses = vec!["192.0.2.0/24".to_owned()];
            config.security.proxy_protocol = how;
        });
        let mut socket = gateway.open();
        socket.send(b"PROXY TCP4 203.0.113.1 198.51.100.1 1025 443\r\n");
        let socket =
            socket.under_tls(&setting.trust().config(), NAME).expect("a handshake behind the header");
        gateway.accepted_on(socket, &gateway.upgrade()).check_alive();
        let mut socket = gateway.open();
        socket.send(b"PROXY TCP4 192.0.2.1 198.51.100.1 1025 443\r\n");
        socket.await_end("the end of a connection from an address that is not let in");
        gateway.await_metric("websocket_handshakes_refused_total{reason=\"address\"}", 1.0);
        assert_eq!(shake(&gateway, &setting.trust()).is_ok(), how == Demand::Optional);
    }
}
