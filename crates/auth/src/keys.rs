//! The keys that the operator trusts, and the choice of one for a token. It refuses to know claims.

use std::io;
use std::path::Path;

use crate::error::KeyProblem;
use crate::header::Header;
use crate::material::Material;
use crate::token::Token;
use crate::{Algorithm, Error, KeySettings, Refusal, material};

pub(crate) const ID_LIMIT: usize = 256;

/// A key and the one algorithm that it is used with, whatever a token says.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: Option<Box<str>>,
    pub(crate) algorithm: Algorithm,
    pub(crate) material: Material,
}

#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Key>);

impl Keys {
    /// The caller has checked that no id occurs twice.
    pub(crate) fn new(keys: Vec<Key>) -> Self {
        Self(keys)
    }

    /// The keys of the setting with this name.
    pub(crate) fn load(settings: &[KeySettings], name: &str) -> Result<Self, Error> {
        let mut keys: Vec<Key> = Vec::with_capacity(settings.len());
        for (index, one) in settings.iter().enumerate() {
            let loaded = check_id(one, settings, index).and_then(|()| material_of(one));
            let material = loaded.map_err(|problem| Error::Key {
                key: match &one.id {
                    Some(id) => format!("{name}[{index}] {id:?}"),
                    None => format!("{name}[{index}]"),
                },
                algorithm: one.algorithm,
                problem,
            })?;
            keys.push(Key { id: one.id.as_deref().map(Box::from), algorithm: one.algorithm, material });
        }
        Ok(Self(keys))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the key that the header means has signed the token.
    pub(crate) fn check(&self, token: &Token<'_>) -> Result<(), Refusal> {
        self.choose(&token.header)?.material.check(token)
    }

    /// The key that the header means. A `kid` is compared with ids and never looked up anywhere; without one the
    /// header's algorithm must leave exactly one key.
    fn choose(&self, header: &Header) -> Result<&Key, Refusal> {
        let key = match &header.kid {
            Some(kid) => {
                self.0.iter().find(|key| key.id.as_deref() == Some(kid)).ok_or(Refusal::UnknownKey)?
            }
            None => {
                let mut fitting = self.0.iter().filter(|key| key.algorithm == header.algorithm);
                match (fitting.next(), fitting.next()) {
                    (Some(key), None) => key,
                    _ => return Err(Refusal::UnknownKey),
                }
            }
        };
        if key.algorithm == header.algorithm { Ok(key) } else { Err(Refusal::WrongAlgorithm) }
    }
}

fn check_id(one: &KeySettings, all: &[KeySettings], index: usize) -> Result<(), KeyProblem> {
    let mut others = all.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, key)| key);
    match &one.id {
        Some(id) if id.is_empty() || id.len() > ID_LIMIT => Err(KeyProblem::BadId),
        Some(_) if others.any(|other| other.id == one.id) => Err(KeyProblem::DuplicateId),
        None if others.any(|other| other.algorithm == one.algorithm) => Err(KeyProblem::NeedsId),
        _ => Ok(()),
    }
}

fn material_of(one: &KeySettings) -> Result<Material, KeyProblem> {
    let (right, fitting, unfitting) = match one.algorithm {
        Algorithm::HS256 => (
            "secret or secret_file",
            [("secret", one.secret.is_some()), ("secret_file", one.secret_file.is_some())],
            [("public_key", one.public_key.is_some()), ("public_key_file", one.public_key_file.is_some())],
        ),
        _ => (
            "public_key or public_key_file",
            [("public_key", one.public_key.is_some()), ("public_key_file", one.public_key_file.is_some())],
            [("secret", one.secret.is_some()), ("secret_file", one.secret_file.is_some())],
        ),
    };
    if let Some((field, _)) = unfitting.into_iter().find(|(_, set)| *set) {
        return Err(KeyProblem::Unfitting { field, right });
    }
    match fitting {
        [(_, true), (_, true)] => return Err(KeyProblem::Ambiguous(right)),
        [(_, false), (_, false)] => return Err(KeyProblem::Absent(right)),
        _ => {}
    }
    if one.algorithm == Algorithm::HS256 {
        let secret = match (&one.secret, &one.secret_file) {
            (Some(secret), _) => secret.clone().into_bytes(),
            (None, Some(path)) => material::read_secret(path).map_err(|reason| unreadable(path, reason))?,
            (None, None) => return Err(KeyProblem::Absent(right)),
        };
        material::check_secret(&secret)?;
        return Ok(Material::secret(&secret));
    }
    match (&one.public_key, &one.public_key_file) {
        (Some(pem), _) => material::public_key(one.algorithm, pem.as_bytes(), "public_key"),
        (None, Some(path)) => {
            let pem = std::fs::read(path).map_err(|reason| unreadable(path, reason))?;
            material::public_key(one.algorithm, &pem, &path.display().to_string())
        }
        (None, None) => Err(KeyProblem::Absent(right)),
    }
}

fn unreadable(path: &Path, reason: io::Error) -> KeyProblem {
    KeyProblem::Unreadable { path: path.to_owned(), reason }
}
