//! What a verified token claims, and the rules that it is held to. Every claim is checked for its type, also
//! where nothing is compared with it. It refuses to know keys and signatures.

use serde_json::Value;

use crate::identity::NAME_LIMIT;
use crate::object::Object;
use crate::{Identity, IssuerSettings, Refusal, Settings, moment};

/// The end of the year 9999 in Unix seconds. A later time is a mistake, mostly one in milliseconds, and a bound
/// lets everybody add to it.
pub(crate) const LATEST: u64 = 253_402_300_799;

/// How a token writes its times.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dates {
    /// As a NumericDate (RFC 7519 section 2).
    Seconds,
    /// As RFC 3339 does.
    Text,
}

#[derive(Debug)]
pub(crate) struct Rules {
    issuer: Option<String>,
    audience: Option<String>,
    leeway_s: u64,
    tenant_claim: String,
    agent_claim: String,
    scopes_claim: String,
    /// The only accepted tenants; empty for any.
    tenants: Vec<String>,
}

impl Rules {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            leeway_s: settings.leeway_s,
            tenant_claim: settings.tenant_claim.clone(),
            agent_claim: settings.agent_claim.clone(),
            scopes_claim: settings.scopes_claim.clone(),
            tenants: Vec::new(),
        }
    }

    pub(crate) fn of_issuer(settings: &IssuerSettings, leeway_s: u64) -> Self {
        Self {
            issuer: Some(settings.issuer.clone()),
            audience: settings.audience.clone(),
            leeway_s,
            tenant_claim: settings.tenant_claim.clone(),
            agent_claim: settings.agent_claim.clone(),
            scopes_claim: settings.scopes_claim.clone(),
            tenants: settings.tenants.clone(),
        }
    }

    /// The identity that the claims describe, if they hold at `now` in Unix seconds.
    pub(crate) fn identity(&self, claims: &Object, dates: Dates, now: u64) -> Result<Identity, Refusal> {
        let expires_at = self.check_times(claims, dates, now)?;
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        let agent = name(claims, &self.agent_claim, "sub")?.ok_or(Refusal::BadClaim("sub"))?;
        let tenant = name(claims, &self.tenant_claim, "tenant")?.ok_or(Refusal::BadClaim("tenant"))?;
        if !self.tenants.is_empty() && !self.tenants.iter().any(|ours| ours == tenant) {
            return Err(Refusal::BadClaim("tenant"));
        }
        let token_id = name(claims, "jti", "jti")?.unwrap_or_default();
        Ok(Identity::new(tenant, agent, token_id, self.scopes(claims)?, expires_at))
    }

    fn check_times(&self, claims: &Object, dates: Dates, now: u64) -> Result<u64, Refusal> {
        let time = |claim| time(claims, claim, dates);
        let expires_at = time("exp")?.filter(|exp| *exp > 0).ok_or(Refusal::BadClaim("exp"))?;
        let not_before = time("nbf")?.unwrap_or(0);
        time("iat")?;
        if now >= expires_at + self.leeway_s {
            return Err(Refusal::Expired);
        }
        if not_before > now.saturating_add(self.leeway_s) {
            return Err(Refusal::NotYetValid);
        }
        Ok(expires_at)
    }

    fn check_issuer(&self, claims: &Object) -> Result<(), Refusal> {
        match (text(claims, "iss")?, &self.issuer) {
            (Some(given), Some(ours)) if given != ours => Err(Refusal::WrongIssuer),
            (None, Some(_)) => Err(Refusal::WrongIssuer),
            _ => Ok(()),
        }
    }

    /// RFC 7519 section 4.1.3: whoever does not find itself in an `aud` that is present refuses the token. So a
    /// gateway that has no audience takes only tokens that have none.
    fn check_audience(&self, claims: &Object) -> Result<(), Refusal> {
        const BAD: Refusal = Refusal::BadClaim("aud");
        let is_ours = |given: &str| self.audience.as_deref() == Some(given);
        let found = match claims.get("aud") {
            None => self.audience.is_none(),
            Some(Value::String(given)) => is_ours(given),
            Some(Value::Array(given)) => {
                let mut found = false;
                for one in given {
                    found |= is_ours(one.as_str().ok_or(BAD)?);
                }
                found
            }
            Some(_) => return Err(BAD),
        };
        if found { Ok(()) } else { Err(Refusal::WrongAudience) }
    }

    fn scopes<'a>(&self, claims: &'a Object) -> Result<Vec<&'a str>, Refusal> {
        const BAD: Refusal = Refusal::BadClaim("scopes");
        let scopes: Vec<&str> = match claims.get(&self.scopes_claim).or_else(|| claims.get("scope")) {
            None => Vec::new(),
            Some(Value::String(scopes)) => scopes.split(' ').filter(|scope| !scope.is_empty()).collect(),
            Some(Value::Array(scopes)) => {
                scopes.iter().map(|scope| scope.as_str().ok_or(BAD)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(BAD),
        };
        if scopes.iter().all(|scope| is_scope(scope)) { Ok(scopes) } else { Err(BAD) }
    }
}

/// RFC 6749 section 3.3: printable ASCII without the space, the quote and the backslash.
pub(crate) fn is_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
}

/// What a tenant, an agent and a token id look like: short, not empty, and safe in a line of log.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_LIMIT && !name.chars().any(char::is_control)
}

fn text<'a>(claims: &'a Object, claim: &'static str) -> Result<Option<&'a str>, Refusal> {
    match claims.get(claim) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(Refusal::BadClaim(claim)),
    }
}

/// A claim that must be a name if it is there. `label` is what the refusal calls it, whatever the operator does.
fn name<'a>(claims: &'a Object, claim: &str, label: &'static str) -> Result<Option<&'a str>, Refusal> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(name)) if is_name(name) => Ok(Some(name)),
        Some(_) => Err(Refusal::BadClaim(label)),
    }
}

/// Unix seconds, fractions of a second dropped.
fn time(claims: &Object, claim: &'static str, dates: Dates) -> Result<Option<u64>, Refusal> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = match dates {
        Dates::Text => value.as_str().and_then(moment::parse),
        Dates::Seconds => value.as_u64().or_else(|| {
            let seconds = value.as_f64()?;
            // The cast is exact below the bound, and the range excludes NaN.
            (0.0..=LATEST as f64).contains(&seconds).then_some(seconds as u64)
        }),
    };
    seconds.filter(|seconds| *seconds <= LATEST).map(Some).ok_or(Refusal::BadClaim(claim))
}
