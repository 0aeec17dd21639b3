//! Backends that may register, and what each may offer once it has proved who it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::proof::{Proof, Proofs, Shown, Stated};
use crate::rules::Pattern;

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
pub struct Registrants {
    registrants: Vec<Arc<Registrant>>,
    proofs: Proofs,
}

/// A backend that has proved who it is, and by what.
#[derive(Clone, Debug)]
pub struct Proven {
    registrant: Arc<Registrant>,
    shown: Shown,
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
        let listed = settings.iter().enumerate().map(|(index, settings)| {
            let registrant = Registrant::new(index, settings)?;
            Ok((Arc::new(registrant), settings.proof(index)?))
        });
        let listed = listed.collect::<Result<Vec<_>, Error>>()?;
        let (registrants, proofs) = listed.into_iter().unzip();
        Ok(Self { registrants, proofs: Proofs::new(proofs) })
    }

    /// The files that hold hashes of tokens, and the place of each for [`Registrants::install`].
    pub fn token_files(&self) -> impl Iterator<Item = (usize, &Path)> {
        self.proofs.token_files()
    }

    /// Takes the hashes of a file from now on, instead of those before, and says how many there are.
    ///
    /// # Errors
    ///
    /// [`Error::Registrant`]: something is wrong with it. Then the last ones stay.
    pub fn install(&self, index: usize, text: &[u8]) -> Result<usize, Error> {
        self.proofs.install(index, text).map_err(|problem| wrong(index, "token_file", problem))
    }

    /// Who proves to be whom by this token, this certificate, or both. The certificate's signatures were checked in the
    /// handshake of TLS.
    ///
    /// # Errors
    ///
    /// Why nobody is proved.
    pub fn identify(&self, token: Option<&str>, certificate: Option<&[u8]>) -> Result<Proven, Unproven> {
        let shown = self.proofs.shown(token, certificate);
        let proven = shown.and_then(|shown| {
            let registrant = Arc::clone(self.registrants.get(shown.index)?);
            Some(Proven { registrant, shown })
        });
        proven.ok_or(match (token, certificate) {
            (Some(_), _) => Unproven::Token,
            (None, Some(_)) => Unproven::Certificate,
            (None, None) => Unproven::Missing,
        })
    }

    /// Whether what was proved would be again, but for the certificate.
    pub fn holds(&self, proven: &Proven) -> bool {
        self.proofs.hold(&proven.shown)
    }
}

impl Proven {
    /// What the backend may do.
    pub fn registrant(&self) -> &Registrant {
        &self.registrant
    }

    /// When the certificate that proves it expires, in Unix seconds; none where a token alone does.
    pub const fn until(&self) -> Option<u64> {
        self.shown.until()
    }
}

impl RegistrantSettings {
    fn proof(&self, index: usize) -> Result<Proof, Error> {
        let stated = Stated {
            token_hash: self.token_hash.as_deref(),
            token_file: self.token_file.as_deref(),
            san: self.san.as_deref(),
        };
        if (stated.token_hash, stated.token_file, stated.san) == (None, None, None) {
            return Err(wrong(index, "name", "has no proof: token_hash, token_file or san is needed"));
        }
        Proof::new(stated, |key, problem| wrong(index, key, problem))
    }
}

impl Registrant {
    fn new(index: usize, settings: &RegistrantSettings) -> Result<Self, Error> {
        let is_in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=64).contains(&settings.name.len()) || !settings.name.bytes().all(is_in_name) {
            return Err(wrong(index, "name", "is not 1 to 64 of a-z, 0-9 and -, as names of backends are"));
        }
        let patterns = |key: &'static str, list: &[String]| {
            let patterns = list.iter().map(|pattern| Pattern::new(pattern)).collect::<Result<_, _>>();
            patterns.map_err(|problem| wrong(index, key, problem))
        };
        Ok(Self {
            name: settings.name.as_str().into(),
            tools: patterns("tools", &settings.tools)?,
            methods: patterns("methods", &settings.methods)?,
            events: patterns("events", &settings.events)?,
        })
    }

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
