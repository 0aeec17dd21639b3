//! The names by which the gateway is asked. One that listens on loopback alone is asked by none but its machine's: a page
//! whose own name was pointed at 127.0.0.1 says that name.

use super::name::Name;

/// What is right in the settings.
pub(super) const RIGHT: &str = "a name or an address, perhaps with a port, or *";

/// Names that are taken.
#[derive(Clone, Debug)]
pub(super) enum Hosts {
    /// Any.
    All,
    /// This machine's own.
    Loopback,
    /// These; one without a port at every port.
    Listed(Vec<Name>),
}

impl Hosts {
    /// # Errors
    /// Gives the name that is none.
    pub(super) fn new(listed: &[String], is_local: bool) -> Result<Self, &str> {
        if listed.iter().any(|name| name == "*") {
            return Ok(Self::All);
        }
        let names =
            listed.iter().map(|name| Name::parse(name).ok_or(&**name)).collect::<Result<Vec<_>, _>>()?;
        Ok(match (names.is_empty(), is_local) {
            (true, true) => Self::Loopback,
            (true, false) => Self::All,
            (false, _) => Self::Listed(names),
        })
    }

    pub(super) fn has(&self, asked: &Name) -> bool {
        match self {
            Self::All => true,
            Self::Loopback => asked.is_loopback(),
            Self::Listed(names) => names
                .iter()
                .any(|name| name.host == asked.host && name.port.is_none_or(|port| asked.port == Some(port))),
        }
    }
}
