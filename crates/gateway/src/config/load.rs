//! Where settings come from: defaults, then a YAML file, then the environment, then flags.

use super::Config;
use super::environment::Environment;
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use figment::{Figment, Profile};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Settings that flags give, by dotted key (`websocket.listen`).
pub type Overrides = BTreeMap<&'static str, Value>;

/// Why a configuration is not one. Names the place, the key and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The file is not YAML of the right form.
    #[error("{path}{at}: {message}", path = path.display(), at = line.map_or(String::new(), |line| format!(":{line}")))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where it is known.
        line: Option<u64>,
        /// What was wrong and what would be right.
        message: String,
    },
    /// A value of the environment or a flag has the wrong type.
    #[error("{0}")]
    Type(String),
    /// A value is out of its range.
    #[error("{key} = {value}: {right} is needed")]
    Value {
        /// The dotted key.
        key: Cow<'static, str>,
        /// The value found.
        value: String,
        /// What would be right.
        right: String,
    },
}

impl ConfigError {
    pub(crate) fn value(key: impl Into<Cow<'static, str>>, value: impl Display, right: &str) -> Self {
        Self::Value { key: key.into(), value: value.to_string(), right: right.to_owned() }
    }
}

/// Reads the configuration: `base`, `file`, environment, `overrides`, each above the one before.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn load(base: Config, file: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(base));
    if let Some(path) = file {
        figment = figment.merge(Serialized::from(read_file(path)?, Profile::Default));
    }
    figment = figment.merge(Environment::of_process());
    for (key, value) in overrides {
        figment = figment.merge(Serialized::from(value, Profile::Default).key(key));
    }
    let config: Config =
        figment.extract_lossy().map_err(|error| ConfigError::Type(error.to_string().trim().to_owned()))?;
    config.check()?;
    Ok(config)
}

/// The file's keys and values. The file is first read as a configuration of its own, since only then a
/// mistake can be told with its line.
fn read_file(path: &Path) -> Result<Dict, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Dict::new());
    }
    let malformed = |error: serde_saphyr::Error| {
        let error = error.without_snippet();
        ConfigError::Malformed {
            path: path.to_owned(),
            line: error.location().map(|location| location.line()),
            message: explain(error),
        }
    };
    serde_saphyr::from_str::<Config>(&text).map_err(malformed)?;
    serde_saphyr::from_str::<Dict>(&text).map_err(malformed)
}

fn explain(error: &serde_saphyr::Error) -> String {
    match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
            let nearest = nearest(field, expected.iter().copied());
            format!(
                "unknown key `{field}`{}; the keys here are {}",
                nearest.map_or(String::new(), |key| format!(", did you mean `{key}`?")),
                expected.join(", ")
            )
        }
        other => other.to_string(),
    }
}

/// The candidate that is most alike, if it is alike enough to be meant.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::levenshtein(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len() / 2)
        .map(|(_, candidate)| candidate)
}
