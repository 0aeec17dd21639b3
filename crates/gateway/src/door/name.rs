//! The name or address of a host, perhaps with a port: what stands in Host, and behind the scheme of an Origin.

use std::net::{IpAddr, Ipv6Addr};

/// A host in lower case, and the port that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Name {
    /// `None` if it is none; a port of no digits is none, and so are a user and a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                let address: Ipv6Addr = address.parse().ok()?;
                (format!("[{address}]"), if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (text, None),
                };
                // The dot at the end of a full name says nothing here.
                let host = host.strip_suffix('.').unwrap_or(host);
                if !is_host(host) {
                    return None;
                }
                (host.to_ascii_lowercase(), port)
            }
        };
        let digits = |port: &&str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port {
            Some(port) => Some(Some(port).filter(digits)?.parse().ok()?),
            None => None,
        };
        Some(Self { host, port })
    }

    /// Whether it is this machine's own, which no name service is asked for.
    pub(super) fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Whether this, as it stands in Host, is this machine's own name or address.
pub(crate) fn is_loopback(host: &str) -> bool {
    Name::parse(host).is_some_and(|name| name.is_loopback())
}

/// Labels of letters, digits, hyphens and underscores.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    host.len() <= 253 && host.split('.').all(is_label)
}
