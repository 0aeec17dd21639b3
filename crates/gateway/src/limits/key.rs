//! What shares a limit: an address, a user or a tenant.

use auth::Identity;
use std::net::{IpAddr, Ipv6Addr};

/// Who is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Address(IpAddr),
    /// An agent of a tenant.
    User(Box<str>, Box<str>),
    Tenant(Box<str>),
}

impl Key {
    /// An address of IPv6 counts by its first 64 bits: whoever has one there has all of them.
    pub(super) fn address(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }

    pub(super) fn user(identity: &Identity) -> Self {
        Self::User(identity.tenant().into(), identity.agent().into())
    }

    /// What the same key is called at every pod.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Address(address) => format!("a{address}"),
            // Where the one name ends must be plain.
            Self::User(tenant, agent) => format!("u{}:{tenant}:{agent}", tenant.len()),
            Self::Tenant(tenant) => format!("t{tenant}"),
        }
    }

    pub(super) fn tenant(identity: &Identity) -> Self {
        Self::Tenant(identity.tenant().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_of_64_bits_count_together() {
        let key = |text: &str| Key::address(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[test]
    fn no_two_keys_have_one_name() {
        let user = |tenant: &str, agent: &str| Key::User(tenant.into(), agent.into()).name();
        assert_ne!(user("a", "b:c"), user("a:b", "c"));
        assert_ne!(user("", "a"), user("a", ""));
        assert_ne!(Key::Tenant("1:a:b".into()).name(), user("a", "b"));
    }
}
