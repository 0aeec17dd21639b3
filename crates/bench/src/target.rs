//! A gateway: its URL taken apart, its address looked up once, so that no measurement waits for a name server.

use std::net::{SocketAddr, ToSocketAddrs};

use rustls::pki_types::ServerName;

use crate::Error;

/// Where connections go.
#[derive(Clone, Debug)]
pub struct Target {
    url: String,
    address: SocketAddr,
    /// The header `Host`.
    authority: String,
    path: String,
    /// The name that its certificate must have.
    name: Option<ServerName<'static>>,
}

impl Target {
    /// Takes `ws://HOST[:PORT][/PATH]`, or the same with `wss://`, and looks the host up.
    ///
    /// # Errors
    /// [`Error::Target`]: it is no such URL, or nobody knows the host.
    pub fn new(url: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Target { url: url.to_owned(), reason };
        let (secure, rest) = match (url.strip_prefix("ws://"), url.strip_prefix("wss://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(refuse("the URL has to begin with ws:// or wss://".to_owned())),
        };
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err(refuse("credentials do not belong into the URL; give a token".to_owned()));
        }
        let bare_ipv6 = authority.ends_with(']');
        let (host, port) = match authority.rsplit_once(':').filter(|_| !bare_ipv6) {
            None => (authority, if secure { 443 } else { 80 }),
            Some((host, port)) => {
                let port = port.parse::<u16>().ok().filter(|port| *port > 0);
                (host, port.ok_or_else(|| refuse("the port has to be a number from 1 to 65535".to_owned()))?)
            }
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address = (host, port)
            .to_socket_addrs()
            .map_err(|error| refuse(format!("the host can't be found: {error}")))?
            .next()
            .ok_or_else(|| refuse("the host has no address".to_owned()))?;
        let name = secure.then(|| ServerName::try_from(host.to_owned())).transpose();
        Ok(Self {
            url: url.to_owned(),
            address,
            authority: authority.to_owned(),
            path: path.to_owned(),
            name: name.map_err(|_| refuse("no certificate can be for such a host".to_owned()))?,
        })
    }

    /// As it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is reached under TLS.
    pub fn is_secure(&self) -> bool {
        self.name.is_some()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn name(&self) -> Option<&ServerName<'static>> {
        self.name.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, address, path, secure) in [
            ("ws://127.0.0.1:8080/ws", "127.0.0.1:8080", "/ws", false),
            ("ws://127.0.0.1", "127.0.0.1:80", "/", false),
            ("wss://127.0.0.1/a?b", "127.0.0.1:443", "/a?b", true),
            ("ws://[::1]:9/", "[::1]:9", "/", false),
            ("wss://[::1]", "[::1]:443", "/", true),
        ] {
            let target = Target::new(url).expect(url);
            assert_eq!((target.address().to_string().as_str(), target.path()), (address, path), "{url}");
            assert_eq!(target.is_secure(), secure, "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_gateway_is_told() {
        for (url, expected) in [
            ("http://127.0.0.1", "ws://"),
            ("ws://a@127.0.0.1", "credentials"),
            ("ws://127.0.0.1:99999/ws", "port"),
            ("ws://127.0.0.1:0", "port"),
            ("ws://no such host/ws", "can't be found"),
        ] {
            let error = Target::new(url).expect_err(url).to_string();
            assert!(error.contains(expected) && error.contains(url), "{error}");
        }
    }
}
