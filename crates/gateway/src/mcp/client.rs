//! Who asks, as far as the protocol tells: once in the legacy era, with each request in the modern one.

use mcp::{Era, Error, Meta, Version, method};

/// What a legacy client has said at `initialize`, and since.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) version: Version,
    /// A raw object, or "".
    pub(crate) info: Box<str>,
    /// A raw object, or "".
    pub(crate) capabilities: Box<str>,
    /// Which log messages it wants; "" for none.
    pub(crate) log_level: Box<str>,
}

impl Client {
    /// What this `initialize` says. `basic/lifecycle` of 2025-11-25, "Initialization".
    ///
    /// # Errors
    /// It names no version.
    pub(crate) fn of(params: &str) -> Result<Self, Error> {
        let asked = mcp::text::member(params, "protocolVersion")
            .ok_or_else(|| Error::params("params.protocolVersion is missing: a string is needed"))?;
        let object = |name| {
            let raw = protocol::json::member(params, name).filter(|raw| raw.starts_with('{'));
            raw.unwrap_or_default().into()
        };
        Ok(Self {
            version: Version::negotiated(&asked),
            info: object("clientInfo"),
            capabilities: object("capabilities"),
            log_level: Box::default(),
        })
    }

    /// As each of its requests would say it.
    pub(super) fn said(&self) -> mcp::translate::request::Client<'_> {
        mcp::translate::request::Client {
            info: &self.info,
            capabilities: &self.capabilities,
            log_level: &self.log_level,
        }
    }
}

/// Under which version a request is to be read. `basic/versioning`, "Backward Compatibility": one that says its version is
/// modern; any other is of a session that `initialize` has opened.
pub(super) fn version_of(name: &str, meta: &Meta<'_>, client: Option<&Client>) -> Result<Version, Error> {
    let Some(asked) = meta.version.as_deref() else {
        return match client {
            Some(client) => Ok(client.version),
            None if matches!(name, method::INITIALIZE | method::PING) => Ok(Version::LATEST_LEGACY),
            None => Err(Error::params(format!(
                "params._meta.{:?} is missing, and no session was opened by initialize",
                mcp::meta::PROTOCOL_VERSION
            ))),
        };
    };
    let version = Version::of(asked).filter(|version| version.era() == Era::Modern);
    let version = version.ok_or_else(|| Error::version(asked))?;
    if meta.client_capabilities.is_none() {
        let right = format!("params._meta.{:?} must be an object", mcp::meta::CLIENT_CAPABILITIES);
        return Err(Error::params(right));
    }
    Ok(version)
}
