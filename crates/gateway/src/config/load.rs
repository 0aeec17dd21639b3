//! Where settings come from: defaults, then a YAML file, then the environment, then flags.

use super::Config;
use super::environment::Environment;
use super::lines::{self, Lines};
use super::loaded::{Loaded, dict};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Settings that flags give, by dotted key (`websocket.listen`): the flag, and what it says.
pub type Overrides = BTreeMap<&'static str, (&'static str, Value)>;

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
    #[error("{at}{key} = {value}: {right} is needed", at = place.as_ref().map_or(String::new(), |place| format!("{place}: ")))]
    Value {
        /// Where it comes from, if that is known.
        place: Option<String>,
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
        Self::Value { place: None, key: key.into(), value: value.to_string(), right: right.to_owned() }
    }
}

/// Reads the configuration: `base`, `file`, environment, `overrides`, each above the one before.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn load(base: Config, file: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigError> {
    let sources = Sources { base, file: file.map(Path::to_owned), overrides: overrides.clone() };
    sources.load().map(|loaded| loaded.config)
}

/// Where the settings of a process come from. They can be read again.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The defaults.
    pub base: Config,
    /// The YAML file, if there is one.
    pub file: Option<PathBuf>,
    /// What flags say.
    pub overrides: Overrides,
}

impl Sources {
    /// Reads them all.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let mut figment = Figment::from(Layer::new(dict(&self.base)?, |_, _| "default".to_owned()));
        if let Some(path) = &self.file {
            let (settings, lines) = read_file(path)?;
            let path = path.clone();
            figment = figment.merge(Layer::new(settings, move |_, keys| {
                let line = lines.get(&keys.join(".")).map_or(String::new(), |line| format!(":{line}"));
                format!("{}{line}", path.display())
            }));
        }
        figment = figment.merge(Environment::of_process());
        for (key, (flag, value)) in &self.overrides {
            let flag = (*flag).to_owned();
            let settings = figment::util::nest(key, value.clone()).into_dict().unwrap_or_default();
            figment = figment.merge(Layer::new(settings, move |_, _| flag.clone()));
        }
        Loaded::new(figment, Some(self.clone()))
    }
}

/// One place that settings come from, which says where in it each stands.
pub(super) struct Layer {
    metadata: Metadata,
    settings: Dict,
}

impl Layer {
    pub(super) fn new(
        settings: Dict,
        place: impl Fn(&Profile, &[&str]) -> String + Clone + Send + Sync + 'static,
    ) -> Self {
        Self { metadata: Metadata::named("the configuration").interpolater(place), settings }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.settings.clone()))
    }
}

/// The file's keys and values, and in which line each key stands. The file is first read as a configuration of its own, since only then a
/// mistake can be told with its line.
fn read_file(path: &Path) -> Result<(Dict, Lines), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok((Dict::new(), Lines::new()));
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
    let settings = serde_saphyr::from_str(&text).map_err(malformed)?;
    Ok((settings, lines::of(&text).map_err(malformed)?))
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
