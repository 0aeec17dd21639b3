//! For whom a proxy has sent a request, and whether it heard it over TLS: `Forwarded` (RFC 7239), `X-Forwarded-For` and
//! `X-Forwarded-Proto`. Each proxy on the way adds at the end
//! whom it heard, so only what trusted ones have added is believed, from the end on.

use super::networks::Networks;
use hyper::header::{FORWARDED, HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};

/// The two headers name different clients, and one of them is perhaps the client's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contradiction;

/// For whom this trusted proxy has sent a request with these headers.
///
/// # Errors
/// A proxy that writes one of the two lets the other one through as its client wrote it. Where they contradict each other,
/// none can be believed.
pub(super) fn client(
    headers: &HeaderMap,
    proxy: IpAddr,
    trusted: &Networks,
) -> Result<IpAddr, Contradiction> {
    let standard =
        lines(headers, &FORWARDED).map(|line| walk(elements(&line).rev().map(node), proxy, trusted));
    let x = HeaderName::from_static("x-forwarded-for");
    let usual = lines(headers, &x).map(|line| walk(line.rsplit(',').map(address), proxy, trusted));
    match (standard, usual) {
        (None, None) => Ok(proxy),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (Some(one), Some(other)) if one == other => Ok(one),
        (Some(_), Some(_)) => Err(Contradiction),
    }
}

/// Whether the last proxy says that its client spoke TLS. Where both headers say something, both have to say so.
pub(super) fn is_https(headers: &HeaderMap) -> bool {
    let is_https = |proto: &str| proto.trim().eq_ignore_ascii_case("https");
    let standard = lines(headers, &FORWARDED).and_then(|line| {
        let last = elements(&line).next_back()?;
        parameter(last, "proto").map(is_https)
    });
    let x = HeaderName::from_static("x-forwarded-proto");
    let usual = lines(headers, &x).map(|line| line.rsplit(',').next().is_some_and(is_https));
    match (standard, usual) {
        (None, None) => false,
        (one, other) => one.unwrap_or(true) && other.unwrap_or(true),
    }
}

/// All lines of a header in one.
fn lines(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// The first that is not trusted, or the last that is known.
fn walk(hops: impl Iterator<Item = Option<IpAddr>>, proxy: IpAddr, trusted: &Networks) -> IpAddr {
    let mut client = proxy;
    for hop in hops {
        // Behind one that hides whom it heard, nobody that is trusted has spoken.
        let Some(hop) = hop.filter(|_| trusted.has(client)) else { break };
        client = hop;
    }
    client
}

/// The elements of `Forwarded`. A comma between quotes parts nothing.
fn elements(line: &str) -> impl DoubleEndedIterator<Item = &str> {
    parts(line, b',').into_iter()
}

fn parts(text: &str, separator: u8) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The address in the `for` of an element.
fn node(element: &str) -> Option<IpAddr> {
    parameter(element, "for").and_then(address)
}

/// The value of a parameter that stands in an element once, without its quotes.
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    let mut values = parts(element, b';').into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
    });
    let value = values.next().filter(|_| values.next().is_none())?;
    Some(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// An address, perhaps with a port; one of IPv6 perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for a request that came from 10.0.0.1, where 10.0.0.0/8 and 2001:db8::/32 are trusted.
    #[track_caller]
    fn check(lines: &[(&'static str, &str)], expected: Result<&str, Contradiction>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let trusted = Networks::new(&["10.0.0.0/8", "2001:db8::/32"].map(str::to_owned)).unwrap();
        let found = client(&headers, [10, 0, 0, 1].into(), &trusted);
        assert_eq!(found, expected.map(|address| address.parse().unwrap()), "{lines:?}");
    }

    #[test]
    fn the_last_that_is_not_trusted_is_the_client() {
        const X: &str = "x-forwarded-for";
        check(&[], Ok("10.0.0.1"));
        check(&[(X, "192.0.2.1")], Ok("192.0.2.1"));
        // What the client wrote stands before what the proxies have added.
        check(&[(X, "203.0.113.9, 192.0.2.1")], Ok("192.0.2.1"));
        check(&[(X, "203.0.113.9, 192.0.2.1, 10.0.0.2 , 10.1.1.1")], Ok("192.0.2.1"));
        check(&[(X, "203.0.113.9"), (X, "192.0.2.1,10.0.0.2")], Ok("192.0.2.1"));
        check(&[(X, "10.0.0.3, 10.0.0.2")], Ok("10.0.0.3"));
        check(&[(X, "192.0.2.1:4711")], Ok("192.0.2.1"));
        check(&[(X, "2001:db9::1, [2001:db8::2]:80")], Ok("2001:db9::1"));
        check(&[(X, "::ffff:192.0.2.1")], Ok("192.0.2.1"));
        // Behind what is no address nothing is believed.
        check(&[(X, "192.0.2.1, unknown, 10.0.0.2")], Ok("10.0.0.2"));
        check(&[(X, "")], Ok("10.0.0.1"));
    }

    #[test]
    fn the_standard_header_says_the_same() {
        const F: &str = "forwarded";
        check(&[(F, "for=192.0.2.1;proto=https;by=10.0.0.1")], Ok("192.0.2.1"));
        check(&[(F, "for=203.0.113.9, For=\"192.0.2.1:4711\" , for=10.0.0.2")], Ok("192.0.2.1"));
        check(&[(F, "for=\"[2001:db9::1]:4711\";by=\"a,b;for=192.0.2.9\"")], Ok("2001:db9::1"));
        check(&[(F, "for=192.0.2.1, for=_hidden, for=10.0.0.2")], Ok("10.0.0.2"));
        check(&[(F, "for=192.0.2.1;for=192.0.2.2")], Ok("10.0.0.1"));
        check(&[(F, "proto=https")], Ok("10.0.0.1"));
        check(&[(F, "for=\"192.0.2.1")], Ok("10.0.0.1"));
    }

    #[test]
    fn a_request_came_over_tls_if_the_last_proxy_says_so() {
        const F: &str = "forwarded";
        const X: &str = "x-forwarded-proto";
        for (lines, expected) in [
            (&[][..], false),
            (&[(X, "https")], true),
            (&[(X, "HTTPS ")], true),
            (&[(X, "http")], false),
            (&[(X, "https, http")], false),
            (&[(X, "http"), (X, "https")], true),
            (&[(F, "for=192.0.2.1;proto=https")], true),
            (&[(F, "for=192.0.2.1;Proto=\"https\"")], true),
            (&[(F, "proto=https, for=192.0.2.1;proto=http")], false),
            (&[(F, "proto=https;proto=https")], false),
            (&[(F, "for=192.0.2.1"), (X, "https")], true),
            (&[(F, "proto=https"), (X, "http")], false),
            (&[(F, "proto=http"), (X, "https")], false),
            (&[(F, "for=\"a;proto=https\"")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(is_https(&headers), expected, "{lines:?}");
        }
    }

    #[test]
    fn two_headers_have_to_agree() {
        let x = |client| ("x-forwarded-for", client);
        check(&[("forwarded", "for=192.0.2.1"), x("203.0.113.9, 192.0.2.1")], Ok("192.0.2.1"));
        check(&[("forwarded", "for=203.0.113.9"), x("192.0.2.1")], Err(Contradiction));
    }
}
