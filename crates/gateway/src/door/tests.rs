use super::{Door, Shut};
use crate::config::Config;
use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};

fn door(listen: &str, hosts: &[&str], origins: &[&str]) -> Door {
    let mut config = Config::default();
    config.websocket.listen = listen.parse().unwrap();
    config.security.allowed_hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    config.security.allowed_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    Door::new(&config).unwrap()
}

fn check(door: &Door, host: &str, origin: Option<&str>) -> Result<(), Shut> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(host).unwrap());
    if let Some(origin) = origin {
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
    }
    door.check(&headers)
}

#[test]
fn pages_of_the_same_host_and_listed_ones_come_in() {
    let door = door("0.0.0.0:8080", &[], &["https://app.example.com", "https://*.example.org:8443", "null"]);
    let host = "mcp.example.com:8080";
    for origin in [
        "http://mcp.example.com:8080",
        "https://mcp.example.com:8080",
        "https://app.example.com",
        "https://app.example.com:443",
        "HTTPS://APP.example.com",
        "https://a.example.org:8443",
        "https://a.b.example.org:8443",
        "null",
    ] {
        assert_eq!(check(&door, host, Some(origin)), Ok(()), "{origin}");
    }
    assert_eq!(check(&door, host, None), Ok(()), "no browser");
    // The port that a scheme has anyway need not be said.
    assert_eq!(check(&door, "mcp.example.com", Some("https://mcp.example.com")), Ok(()));
}

#[test]
fn others_do_not() {
    let door = door("0.0.0.0:8080", &[], &["https://app.example.com", "https://*.example.org"]);
    for origin in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.net",
        "https://evil-app.example.com.evil.net",
        "https://evilapp.example.com",
        "https://app.example.com@evil.net",
        "https://user@app.example.com",
        "https://app.example.com/",
        "https://app.example.com#",
        "https://example.org",
        "https://.example.org",
        "https://evil-example.org",
        "https://a.example.org:8443",
        "http://a.example.org",
        "https://a.example.org.evil.net",
        "https://*.example.org",
        "http://mcp.example.com:9999",
        "ftp://mcp.example.com:8080",
        "http://127.0.0.1:8080",
        "null",
        "",
        "app.example.com",
        "https://",
    ] {
        assert_eq!(check(&door, "mcp.example.com:8080", Some(origin)), Err(Shut::Origin), "{origin}");
    }
}

#[test]
fn any_may_be_let_in_but_what_is_no_origin() {
    let door = door("0.0.0.0:8080", &[], &["*"]);
    assert_eq!(check(&door, "a", Some("https://anything.example:1")), Ok(()));
    for origin in ["null", "https://a@b", "x"] {
        assert_eq!(check(&door, "a", Some(origin)), Err(Shut::Origin), "{origin}");
    }
}

#[test]
fn on_loopback_only_the_machine_is_asked_by_its_names() {
    let door = door("127.0.0.1:8080", &[], &[]);
    for host in ["localhost", "localhost:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "app.localhost"] {
        assert_eq!(check(&door, host, None), Ok(()), "{host}");
    }
    for host in ["evil.net:8080", "localhost.evil.net", "127.0.0.1.evil.net", "10.0.0.1", "[::2]"] {
        assert_eq!(check(&door, host, None), Err(Shut::Host), "{host}");
    }
    assert_eq!(
        check(&door, "localhost:8080", Some("http://localhost:3000")),
        Ok(()),
        "a page of this machine"
    );
    assert_eq!(check(&door, "localhost:8080", Some("http://evil.net")), Err(Shut::Origin));
    for host in ["", "a b", "a/b", "user@localhost", "localhost:", "localhost:x", "[::1", "localhost:99999"] {
        assert!(matches!(check(&door, host, None), Err(Shut::Malformed(_))), "{host}");
    }
}

#[test]
fn hosts_may_be_listed() {
    let door = door("127.0.0.1:8080", &["mcp.example.com", "other.example:81"], &[]);
    for host in ["mcp.example.com", "MCP.example.com:444", "other.example:81"] {
        assert_eq!(check(&door, host, None), Ok(()), "{host}");
    }
    for host in ["localhost:8080", "other.example", "other.example:82", "a.mcp.example.com"] {
        assert_eq!(check(&door, host, None), Err(Shut::Host), "{host}");
    }
}

#[test]
fn what_is_none_is_an_error_that_names_it() {
    for (key, value) in [("hosts", "a b"), ("origins", "example.com"), ("origins", "https://*.*.com")] {
        let mut config = Config::default();
        let list = vec![value.to_owned()];
        if key == "hosts" {
            config.security.allowed_hosts = list;
        } else {
            config.security.allowed_origins = list;
        }
        let error = Door::new(&config).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(value), "{error}");
    }
}
