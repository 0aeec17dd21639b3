//! Whose a client's certificate is, by the names in it. Its signatures were checked in the handshake of TLS; here nobody
//! checks them again.

use serde::{Deserialize, Serialize};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::claims::{LATEST, is_name, is_scope};
use crate::{Error, Identity};

/// Makes certificates with a certain name an identity.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRule {
    /// A URI or a DNS name among the certificate's alternative names. `{tenant}` and `{agent}` stand for one part each,
    /// between the slashes of a URI or the dots of a DNS name.
    pub san: String,
    /// The tenant, where `san` does not say it.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The agent, where `san` does not say it.
    #[serde(default)]
    pub agent: Option<String>,
    /// What the holder may do.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// Rules that were checked; the first that fits counts.
#[derive(Debug, Default)]
pub struct CertificateRules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    is_uri: bool,
    parts: Vec<Part>,
    settings: CertificateRule,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Tenant,
    Agent,
}

impl CertificateRules {
    /// Takes the patterns apart.
    ///
    /// # Errors
    /// [`Error::CertificateRule`], with what would be right.
    pub fn new(rules: &[CertificateRule]) -> Result<Self, Error> {
        let rules = rules.iter().enumerate().map(|(index, settings)| {
            Rule::new(settings).map_err(|problem| Error::CertificateRule { index, problem })
        });
        Ok(Self(rules.collect::<Result<_, _>>()?))
    }

    /// Whose this certificate is, for as long as it is valid; nobody's if no rule fits.
    pub fn identify(&self, certificate: &[u8]) -> Option<Identity> {
        if self.0.is_empty() {
            return None;
        }
        let (_, certificate) = parse_x509_certificate(certificate).ok()?;
        let names = &certificate.subject_alternative_name().ok()??.value.general_names;
        let (rule, (tenant, agent)) =
            self.0.iter().find_map(|rule| Some((rule, names.iter().find_map(|name| rule.holder(name))?)))?;
        let ends = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
        let scopes = rule.settings.scopes.iter().map(String::as_str);
        Some(Identity::new(&tenant, &agent, "", scopes, ends.min(LATEST)))
    }
}

/// Whether this URI or DNS name is among a certificate's alternative names.
pub(crate) fn is_of(certificate: &[u8], san: &str) -> bool {
    let Ok((_, certificate)) = parse_x509_certificate(certificate) else { return false };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|name| match name {
        GeneralName::URI(uri) => *uri == san,
        GeneralName::DNSName(name) => name.eq_ignore_ascii_case(san),
        _ => false,
    })
}

/// The last second in which a certificate is valid, in Unix seconds.
pub fn certificate_expiry(certificate: &[u8]) -> Option<u64> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    u64::try_from(certificate.validity().not_after.timestamp()).ok()
}

impl Rule {
    fn new(settings: &CertificateRule) -> Result<Self, &'static str> {
        let is_uri = settings.san.contains("://");
        let lower = if is_uri { settings.san.clone() } else { settings.san.to_ascii_lowercase() };
        let parts: Vec<_> = lower
            .split(separator(is_uri))
            .map(|part| match part {
                "{tenant}" => Part::Tenant,
                "{agent}" => Part::Agent,
                text => Part::Text(text.to_owned()),
            })
            .collect();
        if parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(['{', '}', '*']))) {
            return Err("san: {tenant} and {agent} have to be whole parts, and nothing else is a pattern");
        }
        let says = |wanted: &Part| parts.iter().filter(|part| *part == wanted).count();
        for (part, fixed, problem) in [
            (Part::Tenant, &settings.tenant, "has to say the tenant once: as {tenant} in san, or in tenant"),
            (Part::Agent, &settings.agent, "has to say the agent once: as {agent} in san, or in agent"),
        ] {
            if says(&part) + usize::from(fixed.is_some()) != 1 {
                return Err(problem);
            }
            if fixed.as_ref().is_some_and(|name| !is_name(name)) {
                return Err("tenant and agent have 1 to 128 bytes without control characters");
            }
        }
        if !settings.scopes.iter().all(|scope| is_scope(scope)) {
            return Err("scopes: each is printable ASCII without spaces, quotes and backslashes");
        }
        Ok(Self { is_uri, parts, settings: settings.clone() })
    }

    /// The tenant and the agent, if this name fits.
    fn holder(&self, name: &GeneralName<'_>) -> Option<(String, String)> {
        let name = match name {
            GeneralName::URI(uri) if self.is_uri => (*uri).to_owned(),
            GeneralName::DNSName(name) if !self.is_uri => name.to_ascii_lowercase(),
            _ => return None,
        };
        let (mut tenant, mut agent) = (self.settings.tenant.clone(), self.settings.agent.clone());
        let mut found = name.split(separator(self.is_uri));
        for part in &self.parts {
            let found = found.next()?;
            match part {
                Part::Text(text) if text == found => {}
                Part::Text(_) => return None,
                Part::Tenant => tenant = Some(found.to_owned()),
                Part::Agent => agent = Some(found.to_owned()),
            }
        }
        if found.next().is_some() {
            return None;
        }
        let (tenant, agent) = (tenant?, agent?);
        // A star is a DNS name's, and no agent's.
        (is_name(&tenant) && is_name(&agent) && !name.contains('*')).then_some((tenant, agent))
    }
}

const fn separator(is_uri: bool) -> char {
    if is_uri { '/' } else { '.' }
}
