//! The address that a client has: the socket's, or what a proxy that is trusted says. Nobody else is believed.

use super::Shut;
use super::forwarded;
use super::lists::{File, Lists};
use super::networks::{Networks, RIGHT};
use crate::config::{ConfigError, Demand, Security};
use hyper::header::HeaderMap;
use std::net::IpAddr;

/// Where a connection comes from, before its requests have said anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// One of IPv4 is never written as one of IPv6.
    pub(crate) address: IpAddr,
    /// It is a trusted proxy's: each request says for whom it is.
    pub(crate) is_proxy: bool,
    /// Connections come too fast from there: what is asked on this one is answered with 429.
    pub(crate) is_hasty: bool,
}

impl Source {
    /// From where a request is that was looked at with this outcome, as far as it can be told.
    pub(crate) const fn client(self, looked: &Result<IpAddr, Shut>) -> IpAddr {
        match looked {
            Ok(address) | Err(Shut::Address(address)) => *address,
            Err(_) => self.address,
        }
    }
}

/// From where clients come in.
#[derive(Debug)]
pub(crate) struct Addresses {
    trusted: Networks,
    /// Those of the settings.
    lists: Lists,
    file: Option<File>,
    announced: Demand,
}

impl Addresses {
    pub(super) fn new(security: &Security) -> Result<Self, ConfigError> {
        let networks =
            |key, listed| Networks::new(listed).map_err(|value| ConfigError::value(key, value, RIGHT));
        let trusted = networks("security.trusted_proxies", &security.trusted_proxies)?;
        if security.proxy_protocol != Demand::Off && trusted.is_empty() {
            let right = "the network of the proxies that speak the PROXY protocol";
            return Err(ConfigError::value("security.trusted_proxies", "[]", right));
        }
        Ok(Self {
            trusted,
            lists: Lists {
                allowed: networks("security.allowed_addresses", &security.allowed_addresses)?,
                denied: networks("security.denied_addresses", &security.denied_addresses)?,
            },
            file: security.addresses_file.as_deref().map(File::load).transpose()?,
            announced: security.proxy_protocol,
        })
    }

    /// The file that is to be followed.
    pub(crate) const fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Who has come to the port; `None` if nobody from there is let in.
    pub(crate) fn of_socket(&self, address: IpAddr) -> Option<Source> {
        self.source(address).filter(|source| source.is_proxy || self.announced != Demand::Required)
    }

    /// For whom a trusted proxy has come; `None` if nobody from there is let in.
    pub(crate) fn source(&self, address: IpAddr) -> Option<Source> {
        let address = address.to_canonical();
        let is_proxy = self.trusted.has(address);
        (is_proxy || self.welcomes(address)).then_some(Source { address, is_proxy, is_hasty: false })
    }

    /// Whether this connection begins with a header of the PROXY protocol.
    pub(crate) fn announcement(&self, source: Source) -> Demand {
        if source.is_proxy { self.announced } else { Demand::Off }
    }

    /// From where a request with these headers is.
    ///
    /// # Errors
    /// Nobody from there is let in, or it can't be told from where it is.
    pub(crate) fn client(&self, source: Source, headers: &HeaderMap) -> Result<IpAddr, Shut> {
        if !source.is_proxy {
            return Ok(source.address);
        }
        let client = forwarded::client(headers, source.address, &self.trusted).map_err(|_| {
            Shut::Malformed("Forwarded and X-Forwarded-For name different clients: have the proxy remove one")
        })?;
        if self.welcomes(client) { Ok(client) } else { Err(Shut::Address(client)) }
    }

    /// Whether a trusted proxy says with these headers that its client spoke TLS to it.
    pub(crate) fn is_https(source: Source, headers: &HeaderMap) -> bool {
        source.is_proxy && forwarded::is_https(headers)
    }

    fn welcomes(&self, address: IpAddr) -> bool {
        match &self.file {
            None => self.lists.welcome(&Lists::default(), address),
            Some(file) => self.lists.welcome(&file.lists(), address),
        }
    }
}
