//! Who is let in by where they come from: by the address, as the socket or a trusted proxy says it, and by what a request
//! says. Browsers say the page themselves, and no page can have them say otherwise; anybody else says what it likes, and is
//! told apart by its token alone.

mod address;
mod forwarded;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod hosts;
mod lists;
mod name;
mod networks;
mod origin;
pub(crate) mod proxy;

pub(crate) use address::{Addresses, Source};
pub(crate) use name::is_loopback;

use crate::config::{Config, ConfigError};
use hosts::Hosts;
use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use name::Name;
use origin::{Origin, Origins};
use std::net::IpAddr;

/// What the configuration lets in.
#[derive(Debug)]
pub(crate) struct Door {
    /// Where connections may come from.
    pub(crate) addresses: Addresses,
    hosts: Hosts,
    origins: Origins,
}

/// Why a request is not let in, as its sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The head lacks something, or has it twice.
    Malformed(&'static str),
    /// The address that it comes from is none from which requests are taken.
    Address(IpAddr),
    /// It asked for a host that this is not.
    Host,
    /// It is a page's from which none is taken.
    Origin,
}

impl Shut {
    /// The class for which somebody is not let in; none where only the form was wrong.
    pub(crate) const fn judged(&self) -> Option<&'static str> {
        match self {
            Self::Malformed(_) => None,
            Self::Address(_) => Some("address"),
            Self::Host => Some("host"),
            Self::Origin => Some("origin"),
        }
    }
}

impl std::fmt::Display for Shut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Malformed(reason) => reason,
            Self::Address(_) => "requests from this address are not taken",
            Self::Host => "the Host is none of this gateway's; security.allowed_hosts names those that are",
            Self::Origin => {
                "requests from pages of this Origin are not taken; security.allowed_origins names those that are"
            }
        })
    }
}

impl Door {
    /// # Errors
    /// A name in the settings is none.
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let is_local = config.websocket.listen.ip().is_loopback();
        let security = &config.security;
        Ok(Self {
            addresses: Addresses::new(security)?,
            hosts: Hosts::new(&security.allowed_hosts, is_local)
                .map_err(|value| ConfigError::value("security.allowed_hosts", value, hosts::RIGHT))?,
            origins: Origins::new(&security.allowed_origins, is_local)
                .map_err(|value| ConfigError::value("security.allowed_origins", value, origin::RIGHT))?,
        })
    }

    /// Whether a request with these headers is let in.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Shut> {
        let host = one(headers, &HOST).ok_or(Shut::Malformed("exactly one Host header is needed"))?;
        let Some(host) = host.and_then(Name::parse) else {
            return Err(Shut::Malformed("the Host header must be a name or an address, perhaps with a port"));
        };
        if !self.hosts.has(&host) {
            return Err(Shut::Host);
        }
        match one(headers, &ORIGIN).ok_or(Shut::Malformed("Origin stands more than once"))? {
            None => Ok(()),
            Some(origin) if self.origins.has(Origin::parse(origin).as_ref(), origin, &host) => Ok(()),
            Some(_) => Err(Shut::Origin),
        }
    }
}

/// A header that may stand once: none if it stands more often, or is no text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let value = match values.next() {
        Some(value) => Some(value.to_str().ok()?.trim()),
        None => None,
    };
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests;
