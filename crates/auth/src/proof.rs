//! How somebody proves who they are at a port that is not the clients': by a token of which the hash is known, by a name in
//! a certificate, or by both. It refuses to read a file again: somebody brings it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq as _;

use crate::Error;
use crate::api_key::{Hash, hash_of, read_hash};
use crate::certificate::{certificate_expiry, is_of};

const HASHES_LIMIT: usize = 100;
const HASH: &str = "must be sha256: and 64 hexadecimal digits";

/// A proof as the settings state it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stated<'a> {
    pub(crate) token_hash: Option<&'a str>,
    pub(crate) token_file: Option<&'a Path>,
    pub(crate) san: Option<&'a str>,
}

/// What one of those that are listed proves itself by.
#[derive(Debug)]
pub(crate) struct Proof {
    tokens: Option<Tokens>,
    san: Option<String>,
}

#[derive(Debug)]
struct Tokens {
    file: Option<PathBuf>,
    hashes: ArcSwap<Vec<Hash>>,
}

/// The proofs of all that are listed, in their order.
#[derive(Debug, Default)]
pub(crate) struct Proofs(Vec<Proof>);

/// Which proof was made, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) index: usize,
    token: Option<Hash>,
    until: Option<u64>,
}

impl Proof {
    /// Checks what is stated and reads the file. `wrong` makes an error of a setting and of what is wrong with it.
    pub(crate) fn new(
        stated: Stated<'_>,
        wrong: impl Fn(&'static str, String) -> Error,
    ) -> Result<Self, Error> {
        let tokens = match (stated.token_hash, stated.token_file) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "token_file",
                    "stands beside token_hash: one of both is needed".to_owned(),
                ));
            }
            (Some(hash), None) => {
                let hash = read_hash(hash).ok_or_else(|| wrong("token_hash", HASH.to_owned()))?;
                Some(Tokens { file: None, hashes: ArcSwap::from_pointee(vec![hash]) })
            }
            (None, Some(path)) => {
                let unreadable = |reason| Error::Unreadable { path: path.to_owned(), reason };
                let text = std::fs::read(path).map_err(unreadable)?;
                let hashes = parse(&text).map_err(|problem| wrong("token_file", problem))?;
                Some(Tokens { file: Some(path.to_owned()), hashes: ArcSwap::from_pointee(hashes) })
            }
            (None, None) => None,
        };
        if stated.san.is_some_and(|san| san.is_empty() || san.contains(['{', '}', '*'])) {
            let problem = "has to be a whole URI or DNS name, without a pattern";
            return Err(wrong("san", problem.to_owned()));
        }
        Ok(Self { tokens, san: stated.san.map(str::to_owned) })
    }

    fn fits(&self, token: Option<&Hash>, certificate: Option<&[u8]>) -> bool {
        let by_token = self.tokens.as_ref().map(|tokens| token.is_some_and(|hash| tokens.have(hash)));
        let by_name = self.san.as_ref().map(|san| certificate.is_some_and(|shown| is_of(shown, san)));
        // A token that is brought has to be known, also where a certificate would do.
        by_token.unwrap_or(token.is_none()) && by_name.unwrap_or(true)
    }
}

impl Proofs {
    pub(crate) const fn new(proofs: Vec<Proof>) -> Self {
        Self(proofs)
    }

    /// The files that hold hashes of tokens, and the place of each.
    pub(crate) fn token_files(&self) -> impl Iterator<Item = (usize, &Path)> {
        let proofs = self.0.iter().enumerate();
        proofs.filter_map(|(index, proof)| Some((index, proof.tokens.as_ref()?.file.as_deref()?)))
    }

    /// Takes the hashes of a file from now on, instead of those before, and says how many there are; or what is wrong
    /// with it. Then the last ones stay.
    pub(crate) fn install(&self, index: usize, text: &[u8]) -> Result<usize, String> {
        let hashes = parse(text)?;
        let count = hashes.len();
        if let Some(tokens) = self.0.get(index).and_then(|proof| proof.tokens.as_ref()) {
            tokens.hashes.store(Arc::new(hashes));
        }
        Ok(count)
    }

    /// The first proof that is made by this token, this certificate, or both.
    pub(crate) fn shown(&self, token: Option<&str>, certificate: Option<&[u8]>) -> Option<Shown> {
        let hash = token.map(hash_of);
        // All are asked, so that nobody learns from the time it takes which one almost fitted.
        let mut found = None;
        for (index, proof) in self.0.iter().enumerate() {
            if proof.fits(hash.as_ref(), certificate) && found.is_none() {
                found = Some((index, proof));
            }
        }
        let (index, proof) = found?;
        Some(Shown {
            index,
            token: hash.filter(|_| proof.tokens.is_some()),
            until: proof.san.as_ref().and(certificate).and_then(certificate_expiry),
        })
    }

    /// Whether what was shown would be again, but for the certificate.
    pub(crate) fn hold(&self, shown: &Shown) -> bool {
        let tokens = self.0.get(shown.index).and_then(|proof| proof.tokens.as_ref());
        match (tokens, &shown.token) {
            (Some(tokens), Some(hash)) => tokens.have(hash),
            (tokens, token) => tokens.is_none() && token.is_none(),
        }
    }
}

impl Shown {
    /// When the certificate that proves it expires, in Unix seconds; none where a token alone does.
    pub(crate) const fn until(&self) -> Option<u64> {
        self.until
    }
}

impl Tokens {
    fn have(&self, hash: &Hash) -> bool {
        self.hashes.load().iter().fold(false, |found, known| found | bool::from(known.ct_eq(hash)))
    }
}

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
