//! What another reading of the configuration changes: what is put in force, and what waits for a restart.

use super::effect::Effect;
use super::load::{ConfigError, Layer};
use super::loaded::{Loaded, dict, find, leaves};
use figment::value::{Dict, Value};
use serde::Serialize;

/// What became of a changed configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Change {
    /// The keys whose values are in force now.
    pub applied: Vec<String>,
    /// Those that are as they were until the process is started anew.
    pub restart_needed: Vec<Waiting>,
}

/// A key that waits for a restart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// The dotted key.
    pub key: String,
    /// What the gateway runs with.
    pub running: Value,
    /// What it would be started with.
    pub configured: Value,
}

impl Loaded {
    /// What is in force once `next` was read: its values where they may change while the gateway runs, and the own ones where
    /// they may not.
    ///
    /// # Errors
    /// The two do not go together: what is in force would be no configuration.
    pub(crate) fn changed_to(&self, next: &Self) -> Result<(Self, Change), ConfigError> {
        let (before, after) = (self.values()?, next.values()?);
        let (told_before, told_after) = (dict(&self.config)?, dict(&next.config)?);
        let mut change = Change::default();
        let mut figment = next.figment.clone();
        for key in leaves(&after) {
            let (Some(old), Some(new)) = (find(&before, &key), find(&after, &key)) else { continue };
            if is_same(old, new) {
                continue;
            }
            if Effect::of(&key) != Effect::Restart {
                change.applied.push(key);
                continue;
            }
            let source = self.source(&key).unwrap_or_default();
            let settings = figment::util::nest(&key, old.clone()).into_dict().unwrap_or_default();
            figment = figment.merge(Layer::new(settings, move |_, _| source.clone()));
            // Without secrets.
            let told = |values: &Dict| find(values, &key).cloned().unwrap_or_else(|| "".into());
            let (running, configured) = (told(&told_before), told(&told_after));
            change.restart_needed.push(Waiting { key, running, configured });
        }
        Ok((Self::new(figment, self.sources.clone())?, change))
    }

    /// All values, as they were read.
    fn values(&self) -> Result<Dict, ConfigError> {
        let value = self.figment.find_value("").map_err(|error| ConfigError::Type(error.to_string()))?;
        Ok(value.into_dict().unwrap_or_default())
    }
}

/// Whether two values mean the same: text of the environment has no type, and YAML takes `off` for something else.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Dict(_, one), Value::Dict(_, other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(_, one), Value::Array(_, other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Dict(..) | Value::Array(..), _) | (_, Value::Dict(..) | Value::Array(..)) => false,
        (one, other) => word(one) == word(other),
    }
}

fn word(value: &Value) -> String {
    let text = match value {
        Value::String(_, text) => text.clone(),
        Value::Char(_, letter) => letter.to_string(),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(_, number) => {
            let whole = value.to_u128().map(|number| number.to_string());
            let signed = || value.to_i128().map(|number| number.to_string());
            whole
                .or_else(signed)
                .or_else(|| number.to_f64().map(|number| number.to_string()))
                .unwrap_or_default()
        }
        _ => String::new(),
    };
    match &*text {
        "off" => "false".to_owned(),
        "on" => "true".to_owned(),
        _ => text,
    }
}
