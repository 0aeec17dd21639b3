//! From which pages browsers may come, and by which names the gateway may be asked.

use tests::{Gateway, Http};

const FORBIDDEN: &str = "websocket_handshakes_refused_total{reason=\"forbidden\"}";

fn listed() -> Gateway {
    Gateway::with(|config| {
        config.security.allowed_origins =
            vec!["https://app.example.com".to_owned(), "https://*.example.org".to_owned()];
    })
}

#[test]
fn evil_origin() {
    let gateway = listed();
    let evil = [
        "https://evil-app.example.com",
        "https://app.example.com.evil.net",
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://app.example.com@evil.net",
        "https://evil-example.org",
        "https://example.org.evil.net",
        "https://example.org",
        "null",
    ];
    for origin in evil {
        let response = gateway.ask(&gateway.upgrade().with("Origin", origin));
        assert_eq!(response.status, 403, "{origin}: {response:?}");
        assert!(response.error().contains("security.allowed_origins"), "{response:?}");
        let mut http = Http::open(&gateway);
        let answer = http.ask("GET", "/tools", &[("Origin", origin)], None);
        assert_eq!(answer.status, 403, "{origin}: {answer:?}");
    }
    gateway.await_metric(FORBIDDEN, evil.len() as f64);
    let two = gateway.upgrade().with("Origin", "https://app.example.com").with("Origin", "https://evil.net");
    assert_eq!(gateway.ask(&two).status, 400);
    for origin in ["https://app.example.com", "https://a.b.example.org", "http://localhost:3000"] {
        gateway.accepted(&gateway.upgrade().with("Origin", origin)).check_alive();
    }
}

#[test]
fn rebinding_host() {
    let gateway = Gateway::start();
    for host in ["evil.net", "localhost.evil.net", "127.0.0.1.evil.net:8080"] {
        let response = gateway.ask(&gateway.upgrade().replace("Host", host));
        assert_eq!(response.status, 403, "{host}: {response:?}");
        // The page's own name is the one that was pointed here.
        let page = gateway.upgrade().replace("Host", host).with("Origin", &format!("http://{host}"));
        assert_eq!(gateway.ask(&page).status, 403, "{host}");
    }
    gateway.await_metric(FORBIDDEN, 6.0);
    for host in ["localhost", "[::1]:8080", "127.0.0.1:1"] {
        gateway.accepted(&gateway.upgrade().replace("Host", host)).check_alive();
    }
}

#[test]
fn a_listed_host_is_the_only_one() {
    let gateway = Gateway::with(|config| config.security.allowed_hosts = vec!["mcp.example.com".to_owned()]);
    assert_eq!(gateway.ask(&gateway.upgrade()).status, 403);
    gateway.accepted(&gateway.upgrade().replace("Host", "mcp.example.com")).check_alive();
}
