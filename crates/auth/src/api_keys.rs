//! The API keys that the operator gave out: a file, and whose a key is. It refuses to read the file again: somebody brings
//! it, and it says who is not known any more.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq as _;

use crate::api_key::{Hash, hash_of, id_of, token_id};
use crate::error::ApiKeysProblem;
use crate::{ApiKeyEntry, Error, Identity, Refusal};

const ENTRIES_LIMIT: usize = 10_000;

/// A key that is known.
#[derive(Debug)]
struct Known {
    hash: Hash,
    identity: Identity,
}

type Entries = HashMap<Box<str>, Known>;

/// The API keys of a file. Keys are checked with the last file that was good.
#[derive(Debug)]
pub struct ApiKeys {
    path: PathBuf,
    /// By what an identity has as its token id.
    entries: ArcSwap<Entries>,
}

impl ApiKeys {
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let keys = Self { path: path.to_owned(), entries: ArcSwap::default() };
        let text =
            std::fs::read(path).map_err(|reason| Error::Unreadable { path: path.to_owned(), reason })?;
        keys.install(&text)?;
        Ok(keys)
    }

    /// Where the keys stand.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what is in the file from now on, instead of what was there, and says how many keys it has.
    ///
    /// # Errors
    ///
    /// [`Error::ApiKeys`]: something is wrong with it. Then the last keys stay.
    pub fn install(&self, text: &[u8]) -> Result<usize, Error> {
        let entries = parse(text).map_err(|problem| Error::ApiKeys { path: self.path.clone(), problem })?;
        let count = entries.len();
        self.entries.store(entries.into());
        Ok(count)
    }

    /// Who holds a key, at `now` in Unix seconds.
    pub(crate) fn identify(&self, key: &str, now: u64) -> Result<Identity, Refusal> {
        let id = id_of(key).ok_or(Refusal::UnknownApiKey)?;
        let hash = hash_of(key);
        let entries = self.entries.load();
        let known = entries.get(&*token_id(id));
        // Whether there is such a key takes no longer to find out than whether it is this one.
        let expected = known.map_or(&[0; 32], |known| &known.hash);
        let known = known.filter(|_| bool::from(expected.ct_eq(&hash))).ok_or(Refusal::UnknownApiKey)?;
        match known.identity.expires_at() {
            Some(at) if at <= now => Err(Refusal::Expired),
            _ => Ok(known.identity.clone()),
        }
    }

    /// Whether this identity's key is still there, and its entry the same.
    pub(crate) fn holds(&self, identity: &Identity) -> bool {
        let entries = self.entries.load();
        let known = identity.token_id().and_then(|id| entries.get(id));
        known.is_some_and(|known| known.identity == *identity)
    }
}

/// YAML, and so JSON too.
fn parse(text: &[u8]) -> Result<Entries, ApiKeysProblem> {
    let malformed = |problem: String| ApiKeysProblem::Malformed(problem);
    let text = std::str::from_utf8(text).map_err(|error| malformed(error.to_string()))?;
    if text.trim().is_empty() {
        return Err(malformed("it is empty; a file without keys is []".to_owned()));
    }
    let list: Vec<ApiKeyEntry> = serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let line = error.location().map_or(String::new(), |location| format!("line {}: ", location.line()));
        malformed(format!("{line}{error}"))
    })?;
    if list.len() > ENTRIES_LIMIT {
        return Err(ApiKeysProblem::TooMany(ENTRIES_LIMIT));
    }
    let mut entries = Entries::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        let (hash, identity) =
            entry.read().map_err(|(member, problem)| ApiKeysProblem::Entry { index, member, problem })?;
        let known = Known { hash, identity };
        if entries.insert(token_id(&entry.id).into(), known).is_some() {
            return Err(ApiKeysProblem::DuplicateId(entry.id.clone()));
        }
    }
    Ok(entries)
}
