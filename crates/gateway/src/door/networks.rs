//! Networks of addresses, as the settings list them.

use ipnet::IpNet;
use std::net::IpAddr;

/// What is right in the settings.
pub(super) const RIGHT: &str = "a network such as 10.0.0.0/8 or 2001:db8::/32, or an address";

/// Networks that are listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks(Vec<IpNet>);

impl Networks {
    /// # Errors
    /// Gives what is no network.
    pub(super) fn new(listed: &[String]) -> Result<Self, &str> {
        let network = |text| parse(text).ok_or(text);
        listed.iter().map(|text| network(&**text)).collect::<Result<_, _>>().map(Self)
    }

    /// One more; false if it is no network.
    pub(super) fn add(&mut self, text: &str) -> bool {
        let network = parse(text);
        self.0.extend(network);
        network.is_some()
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address lies in one of them.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn parse(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}
