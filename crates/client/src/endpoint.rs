//! Where a gateway is: a `ws://` or `wss://` URL taken apart. Dials nothing.

use hyper::Uri;
use hyper::header::HeaderValue;

use crate::Error;

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    /// Whether it is reached under TLS.
    pub(crate) secure: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The header `Host`.
    pub(crate) authority: HeaderValue,
    /// Path and query, at least `/`.
    pub(crate) target: String,
}

impl Endpoint {
    /// Takes `ws://host[:port][/path][?query]` apart; the port is 80 if none is given, and 443 for `wss://`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Connect { url: url.to_owned(), reason: reason.to_owned() };
        let uri: Uri =
            url.parse().map_err(|_| refuse("this is not a URL; one looks like ws://127.0.0.1:8080/ws"))?;
        let secure = match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(refuse("the URL has to begin with ws:// or wss://")),
        };
        let authority = uri.authority().ok_or_else(|| refuse("the URL names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refuse("credentials do not belong into the URL; give a token"));
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(refuse("the URL names no host"));
        }
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            None if secure => 443,
            None => 80,
            Some(port) => port.parse().map_err(|_| refuse("the port has to be a number from 1 to 65535"))?,
        };
        let header = HeaderValue::from_str(authority.as_str())
            .map_err(|_| refuse("the host is no name or address"))?;
        Ok(Self {
            url: url.to_owned(),
            secure,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            authority: header,
            target: uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        })
    }

    pub(crate) fn unreachable(&self, reason: impl ToString) -> Error {
        Error::Connect { url: self.url.clone(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: (&str, u16, &str)) {
        let endpoint = Endpoint::parse(url).expect(url);
        assert_eq!((endpoint.host.as_str(), endpoint.port, endpoint.target.as_str()), expected, "{url}");
        assert_eq!(endpoint.secure, url.to_ascii_lowercase().starts_with("wss"), "{url}");
    }

    #[test]
    fn urls_are_taken_apart() {
        check("ws://127.0.0.1:8080/ws", ("127.0.0.1", 8080, "/ws"));
        check("ws://gateway.example", ("gateway.example", 80, "/"));
        check("ws://[::1]:9/ws?a=b", ("::1", 9, "/ws?a=b"));
        check("WS://[::1]", ("::1", 80, "/"));
        check("wss://gateway.example/ws", ("gateway.example", 443, "/ws"));
        check("WSS://[::1]:9", ("::1", 9, "/"));
    }

    #[test]
    fn urls_that_cannot_be_dialled_are_refused_with_the_reason() {
        for (url, reason) in [
            ("", "not a URL"),
            ("127.0.0.1:8080", "ws://"),
            ("http://127.0.0.1:8080/ws", "ws://"),
            ("ws://agent:secret@127.0.0.1/ws", "credentials"),
            ("ws://127.0.0.1:99999/ws", "port"),
            ("ws://127.0.0.1:/ws", "port"),
        ] {
            match Endpoint::parse(url) {
                Err(Error::Connect { url: named, reason: given }) => {
                    assert_eq!(named, url);
                    assert!(given.contains(reason), "{url}: {given}");
                }
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
