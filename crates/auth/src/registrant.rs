//! Backends that may register: how each proves who it is, and what it may offer. It refuses to read a token file again:
//! somebody brings it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::Error;
use crate::api_key::{Hash, hash_of, read_hash};
use crate::certificate::{certificate_expiry, is_of};
use crate::rules::Pattern;

const HASHES_LIMIT: usize = 100;

/// A backend that may register. Where it has both a token and a `san`, both are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrantSettings {
    /// The name by which it has to describe itself.
    pub name: String,
    /// `sha256:` and 64 hexadecimal digits: the hash of its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<String>,
    /// A file with such hashes, one a line; each is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// A URI or a DNS name among the alternative names of its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub san: Option<String>,
    /// The tools that it may offer: names, or prefixes that end with `*`. Default none.
    #[serde(default)]
    pub tools: Vec<String>,
    /// The methods that it may serve, likewise. Default none.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The events that it may publish, likewise. Default none.
    #[serde(default)]
    pub events: Vec<String>,
}

/// What a backend may do once it has proved who it is.
#[derive(Debug)]
pub struct Registrant {
    name: Box<str>,
    tools: Vec<Pattern>,
    methods: Vec<Pattern>,
    events: Vec<Pattern>,
}

/// All that may register.
#[derive(Debug, Default)]
pub struct Registrants(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    registrant: Arc<Registrant>,
    tokens: Option<Tokens>,
    san: Option<String>,
}

#[derive(Debug)]
struct Tokens {
    file: Option<PathBuf>,
    hashes: ArcSwap<Vec<Hash>>,
}

/// A backend that has proved who it is, and by what.
#[derive(Clone, Debug)]
pub struct Proven {
    registrant: Arc<Registrant>,
    entry: usize,
    token: Option<Hash>,
    until: Option<u64>,
}

/// Why nothing was proved. Its text may be shown to whoever tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// Neither a token nor a certificate.
    #[error(
        "a proof of who the backend is is needed: send authorization: Bearer and its token, or show its certificate"
    )]
    Missing,
    /// A token that no backend has, or not together with this certificate.
    #[error("the token is that of no backend in registry.backends")]
    Token,
    /// A certificate with names that no backend has, or not without a token.
    #[error("the certificate is that of no backend in registry.backends that needs no token")]
    Certificate,
}

impl Unproven {
    /// The name under which it is told and counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "proof_missing",
            Self::Token => "token_unknown",
            Self::Certificate => "certificate_unknown",
        }
    }
}

impl Registrants {
    /// Checks the settings and reads the files.
    ///
    /// # Errors
    ///
    /// [`Error::Registrant`], with what would be right; [`Error::Unreadable`].
    pub fn new(settings: &[RegistrantSettings]) -> Result<Self, Error> {
        let entries = settings.iter().enumerate().map(|(index, settings)| Entry::new(index, settings));
        Ok(Self(entries.collect::<Result<_, _>>()?))
    }

    /// The files that hold hashes of tokens, and the place of each for [`Registrants::install`].
    pub fn token_files(&self) -> impl Iterator<Item = (usize, &Path)> {
        let entries = self.0.iter().enumerate();
        entries.filter_map(|(index, entry)| Some((index, entry.tokens.as_ref()?.file.as_deref()?)))
    }

    /// Takes the hashes of a file from now on, instead of those before, and says how many there are.
    ///
    /// # Errors
    ///
    /// [`Error::Registrant`]: something is wrong with it. Then the last ones stay.
    pub fn install(&self, index: usize, text: &[u8]) -> Result<usize, Error> {
        let hashes = parse(text).map_err(|problem| wrong(index, "token_file", problem))?;
        let count = hashes.len();
        if let Some(tokens) = self.0.get(index).and_then(|entry| entry.tokens.as_ref()) {
            tokens.hashes.store(Arc::new(hashes));
        }
        Ok(count)
    }

    /// Who proves to be whom by this token, this certificate, or both. The certificate's signatures were checked in the
    /// handshake of TLS.
    ///
    /// # Errors
    ///
    /// Why nobody is proved.
    pub fn identify(&self, token: Option<&str>, certificate: Option<&[u8]>) -> Result<Proven, Unproven> {
        let hash = token.map(hash_of);
        // All are asked, so that nobody learns from the time it takes which one almost fitted.
        let mut found = None;
        for (index, entry) in self.0.iter().enumerate() {
            if entry.fits(hash.as_ref(), certificate) && found.is_none() {
                found = Some((index, entry));
            }
        }
        let Some((index, entry)) = found else {
            return Err(match (token, certificate) {
                (Some(_), _) => Unproven::Token,
                (None, Some(_)) => Unproven::Certificate,
                (None, None) => Unproven::Missing,
            });
        };
        Ok(Proven {
            registrant: Arc::clone(&entry.registrant),
            entry: index,
            token: hash.filter(|_| entry.tokens.is_some()),
            until: entry.san.as_ref().and(certificate).and_then(certificate_expiry),
        })
    }

    /// Whether what was proved would be again, but for the certificate.
    pub fn holds(&self, proven: &Proven) -> bool {
        let tokens = self.0.get(proven.entry).and_then(|entry| entry.tokens.as_ref());
        match (tokens, &proven.token) {
            (Some(tokens), Some(hash)) => tokens.have(hash),
            (tokens, token) => tokens.is_none() && token.is_none(),
        }
    }
}

impl Proven {
    /// What the backend may do.
    pub fn registrant(&self) -> &Registrant {
        &self.registrant
    }

    /// When the certificate that proves it expires, in Unix seconds; none where a token alone does.
    pub const fn until(&self) -> Option<u64> {
        self.until
    }
}

impl Registrant {
    /// The name by which it has to describe itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may offer this tool.
    pub fn may_offer(&self, tool: &str) -> bool {
        self.tools.iter().any(|pattern| pattern.matches(tool))
    }

    /// Whether it may serve this method, or all that begin so: `context.*`.
    pub fn may_serve(&self, method: &str) -> bool {
        self.methods.iter().any(|pattern| pattern.covers(method))
    }

    /// Whether it may publish events of this name.
    pub fn may_publish(&self, event: &str) -> bool {
        self.events.iter().any(|pattern| pattern.matches(event))
    }
}

impl Entry {
    fn new(index: usize, settings: &RegistrantSettings) -> Result<Self, Error> {
        let is_in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=64).contains(&settings.name.len()) || !settings.name.bytes().all(is_in_name) {
            return Err(wrong(index, "name", "is not 1 to 64 of a-z, 0-9 and -, as names of backends are"));
        }
        let patterns = |key: &'static str, list: &[String]| {
            let patterns = list.iter().map(|pattern| Pattern::new(pattern)).collect::<Result<_, _>>();
            patterns.map_err(|problem| wrong(index, key, problem))
        };
        let registrant = Registrant {
            name: settings.name.as_str().into(),
            tools: patterns("tools", &settings.tools)?,
            methods: patterns("methods", &settings.methods)?,
            events: patterns("events", &settings.events)?,
        };
        let tokens = match (&settings.token_hash, &settings.token_file) {
            (Some(_), Some(_)) => {
                return Err(wrong(index, "token_file", "stands beside token_hash: one of both is needed"));
            }
            (Some(hash), None) => {
                let hash = read_hash(hash).ok_or_else(|| wrong(index, "token_hash", HASH))?;
                Some(Tokens { file: None, hashes: ArcSwap::from_pointee(vec![hash]) })
            }
            (None, Some(path)) => {
                let text =
                    std::fs::read(path).map_err(|reason| Error::Unreadable { path: path.clone(), reason })?;
                let hashes = parse(&text).map_err(|problem| wrong(index, "token_file", problem))?;
                Some(Tokens { file: Some(path.clone()), hashes: ArcSwap::from_pointee(hashes) })
            }
            (None, None) => None,
        };
        if tokens.is_none() && settings.san.is_none() {
            return Err(wrong(index, "name", "has no proof: token_hash, token_file or san is needed"));
        }
        if settings.san.as_ref().is_some_and(|san| san.is_empty() || san.contains(['{', '}', '*'])) {
            return Err(wrong(index, "san", "has to be a whole URI or DNS name, without a pattern"));
        }
        Ok(Self { registrant: Arc::new(registrant), tokens, san: settings.san.clone() })
    }

    fn fits(&self, token: Option<&Hash>, certificate: Option<&[u8]>) -> bool {
        let by_token = self.tokens.as_ref().map(|tokens| token.is_some_and(|hash| tokens.have(hash)));
        let by_name = self.san.as_ref().map(|san| certificate.is_some_and(|shown| is_of(shown, san)));
        // A token that is brought has to be known, also where a certificate would do.
        by_token.unwrap_or(token.is_none()) && by_name.unwrap_or(true)
    }
}

impl Tokens {
    fn have(&self, hash: &Hash) -> bool {
        self.hashes.load().iter().fold(false, |found, known| found | bool::from(known.ct_eq(hash)))
    }
}

const HASH: &str = "must be sha256: and 64 hexadecimal digits";

/// A hash a line; empty lines and those that begin with `#` are left out. None at all is fine: nobody is let in.
fn parse(text: &[u8]) -> Result<Vec<Hash>, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let lines = text.lines().map(str::trim).enumerate();
    let hashes = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let hashes =
        hashes.map(|(line, text)| read_hash(text).ok_or_else(|| format!("line {}: {HASH}", line + 1)));
    let hashes = hashes.collect::<Result<Vec<_>, _>>()?;
    if hashes.len() > HASHES_LIMIT {
        return Err(format!("has more than {HASHES_LIMIT} hashes"));
    }
    Ok(hashes)
}

fn wrong(index: usize, key: &'static str, problem: impl Into<String>) -> Error {
    Error::Registrant { index, key, problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiKeyEntry;

    fn settings(name: &str) -> (String, RegistrantSettings) {
        let (token, entry) = ApiKeyEntry::fresh("t", "a", vec![], None).expect("randomness");
        let settings = RegistrantSettings {
            name: name.to_owned(),
            token_hash: Some(entry.hash),
            tools: vec!["fs.*".to_owned(), "now".to_owned()],
            methods: vec!["context.*".to_owned(), "plan.make".to_owned()],
            events: vec!["order.*".to_owned()],
            ..RegistrantSettings::default()
        };
        (token, settings)
    }

    #[test]
    fn a_token_proves_its_backend_and_no_other() {
        let (one, first) = settings("one");
        let (two, second) = settings("two");
        let all = Registrants::new(&[first, second]).expect("they are good");
        assert_eq!(all.identify(Some(&one), None).expect("it is known").registrant().name(), "one");
        assert_eq!(all.identify(Some(&two), None).expect("it is known").registrant().name(), "two");
        assert_eq!(all.identify(Some("mcpw_x"), None).expect_err("unknown"), Unproven::Token);
        assert_eq!(all.identify(None, None).expect_err("nothing"), Unproven::Missing);
        assert_eq!(all.identify(None, Some(b"x")).expect_err("no names"), Unproven::Certificate);
    }

    #[test]
    fn what_it_may_do_is_what_its_patterns_say() {
        let (token, one) = settings("one");
        let all = Registrants::new(&[one]).expect("it is good");
        let proven = all.identify(Some(&token), None).expect("it is known");
        let may = proven.registrant();
        assert!(may.may_offer("fs.read") && may.may_offer("now") && may.may_publish("order.paid"));
        assert!(!may.may_offer("nowhere") && !may.may_offer("net.get") && !may.may_publish("orders"));
        assert!(may.may_serve("context.*") && may.may_serve("context.get") && may.may_serve("plan.make"));
        assert!(!may.may_serve("plan.*") && !may.may_serve("*") && !may.may_serve("contexts.get"));
    }

    #[test]
    fn a_hash_that_leaves_the_file_proves_nothing_any_more() {
        let (token, mut one) = settings("one");
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let hash = one.token_hash.take().expect("it was given");
        std::fs::write(file.path(), format!("# the new one\n{hash}\n")).expect("it is ours");
        one.token_file = Some(file.path().to_owned());
        let all = Registrants::new(&[one]).expect("it is good");
        let proven = all.identify(Some(&token), None).expect("it is known");
        assert!(all.holds(&proven));
        assert!(all.install(0, b"nonsense").is_err());
        assert!(all.holds(&proven), "the last good ones stay");
        assert_eq!(all.install(0, b"").expect("an empty file lets nobody in"), 0);
        assert!(!all.holds(&proven));
        assert_eq!(all.identify(Some(&token), None).expect_err("it is gone"), Unproven::Token);
    }

    #[test]
    fn a_setting_that_proves_nothing_is_told_with_its_place() {
        type Change = fn(&mut RegistrantSettings);
        let cases: [(Change, &str); 6] = [
            (|s| s.token_hash = None, "registry.backends[0].name has no proof"),
            (|s| s.name = "One".into(), "registry.backends[0].name"),
            (|s| s.token_hash = Some("secret".into()), "registry.backends[0].token_hash must be sha256:"),
            (|s| s.token_file = Some("/x".into()), "registry.backends[0].token_file stands beside"),
            (|s| s.tools = vec!["a*b".into()], "registry.backends[0].tools has \"a*b\""),
            (|s| s.san = Some("{tenant}.x".into()), "registry.backends[0].san"),
        ];
        for (change, words) in cases {
            let (_, mut settings) = settings("one");
            change(&mut settings);
            let error = Registrants::new(&[settings]).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
