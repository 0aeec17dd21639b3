//! A configuration that was read, which knows where each of its values comes from.

use super::Config;
use super::listing::Listing;
use super::load::{ConfigError, Layer, Sources};
use figment::value::{Dict, Value};
use figment::{Figment, Profile};
use serde_json::json;

/// The settings in force, and their sources.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    pub(super) figment: Figment,
    /// Where they can be read again; none if a program gave them.
    pub(super) sources: Option<Sources>,
}

impl From<Config> for Loaded {
    /// Settings that a program gives. They can't be read again.
    fn from(config: Config) -> Self {
        let settings = dict(&config).unwrap_or_default();
        let figment = Figment::from(Layer::new(settings, |_, _| "the program".to_owned()));
        Self { config, figment, sources: None }
    }
}

impl Loaded {
    /// # Errors
    /// The first value that is wrong, with its place.
    pub(super) fn new(figment: Figment, sources: Option<Sources>) -> Result<Self, ConfigError> {
        let config: Config = figment
            .extract_lossy()
            .map_err(|error| ConfigError::Type(error.to_string().trim().to_owned()))?;
        let loaded = Self { config, figment, sources };
        match loaded.config.check() {
            Ok(()) => Ok(loaded),
            Err(ConfigError::Value { key, value, right, .. }) => {
                let place = loaded.source(&key).filter(|place| place != "default");
                Err(ConfigError::Value { place, key, value, right })
            }
            Err(other) => Err(other),
        }
    }

    /// Reads all sources again.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place; or there is nothing to read.
    pub(crate) fn again(&self) -> Result<Self, String> {
        let given =
            "the settings were given by the program that runs the gateway: there is nothing to read again";
        self.sources.as_ref().ok_or(given)?.load().map_err(|error| error.to_string())
    }

    /// Where the value of a key comes from: `default`, a file with the line, the name of a variable, or a flag.
    pub fn source(&self, key: &str) -> Option<String> {
        let metadata = self.figment.find_metadata(key)?;
        Some(metadata.interpolate(&Profile::Default, &key.split('.').collect::<Vec<_>>()))
    }

    /// All settings as YAML, without secrets, as the gateway takes it.
    ///
    /// # Errors
    /// None of what can be loaded.
    pub fn yaml(&self, shown: Shown) -> Result<String, ConfigError> {
        let told = |error: serde_saphyr::ser::Error| ConfigError::Type(error.to_string());
        let text = serde_saphyr::to_string(&self.config).map_err(told)?;
        let listing = Listing::of(&text, &leaves(&dict(&self.config)?));
        let changed = self.changed()?;
        let is_shown = |key: &str| !shown.changed || changed.iter().any(|changed| changed == key);
        Ok(listing.text(is_shown, |key| self.source(key).filter(|_| shown.sources)))
    }

    /// The same as JSON: `{KEY: {"value": …, "source": …}}`, or the tree of values alone.
    ///
    /// # Errors
    /// None of what can be loaded.
    pub fn json(&self, shown: Shown) -> Result<serde_json::Value, ConfigError> {
        let values = dict(&self.config)?;
        let mut keys = if shown.changed { self.changed()? } else { leaves(&values) };
        keys.sort();
        let mut tree = json!({});
        for key in keys {
            let Some(value) = find(&values, &key) else { continue };
            if shown.sources {
                tree[&key] = json!({ "value": value, "source": self.source(&key) });
            } else {
                let place = key.split('.').fold(&mut tree, |tree, key| &mut tree[key]);
                *place = json!(value);
            }
        }
        Ok(tree)
    }

    /// The keys whose values are others than the defaults.
    fn changed(&self) -> Result<Vec<String>, ConfigError> {
        let (values, defaults) = (dict(&self.config)?, dict(&Config::default())?);
        let mut keys = leaves(&values);
        keys.retain(|key| find(&values, key) != find(&defaults, key));
        Ok(keys)
    }
}

/// What is printed of settings.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Where each comes from.
    pub sources: bool,
    /// Only those that are others than the defaults.
    pub changed: bool,
}

/// All keys that have values of their own, each with its default as JSON.
pub fn keys() -> Vec<(String, String)> {
    let defaults = dict(&Config::default()).unwrap_or_default();
    let told = |key: String| {
        let default = find(&defaults, &key).and_then(|value| serde_json::to_string(value).ok());
        (key, default.unwrap_or_default())
    };
    leaves(&defaults).into_iter().map(told).collect()
}

/// The settings as values, without secrets.
///
/// # Errors
/// None of what is a configuration.
pub(super) fn dict(config: &Config) -> Result<Dict, ConfigError> {
    let value = Value::serialize(config).map_err(|error| ConfigError::Type(error.to_string()))?;
    value.into_dict().ok_or_else(|| ConfigError::Type("the settings are no table".to_owned()))
}

/// All keys that have values of their own: lists, and tables whose keys the operator names, are one value.
pub(super) fn leaves(values: &Dict) -> Vec<String> {
    fn collect(values: &Dict, prefix: &str, names: &Dict, found: &mut Vec<String>) {
        for (key, value) in values {
            let name = format!("{prefix}{key}");
            match (value, names.get(key)) {
                (Value::Dict(_, below), Some(Value::Dict(_, names))) if !names.is_empty() => {
                    collect(below, &format!("{name}."), names, found);
                }
                _ => found.push(name),
            }
        }
    }
    let mut found = Vec::new();
    collect(values, "", &dict(&Config::default()).unwrap_or_default(), &mut found);
    found
}

/// The value of a key.
pub(super) fn find<'a>(values: &'a Dict, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((first, rest)) => find(values.get(first)?.as_dict()?, rest),
        None => values.get(key),
    }
}
