//! Settings from the environment. An underscore alone can't tell a level from a part of a name, so each
//! variable is looked up among the keys that there are.

use super::Config;
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

/// The variables that name a setting, with their values.
#[derive(Debug)]
pub(super) struct Environment {
    settings: Dict,
}

impl Environment {
    /// Those of this process. A variable that names no setting is somebody else's.
    pub(super) fn of_process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let defaults = match Value::serialize(Config::default()) {
            Ok(Value::Dict(_, defaults)) => defaults,
            _ => Dict::new(),
        };
        Self { settings: read(&defaults, "", &variable) }
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("the environment")
            .interpolater(|_, keys| keys.join("_").replace('.', "_").to_ascii_uppercase())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.settings.clone()))
    }
}

/// `WEBSOCKET_MAX_CONNECTIONS` for `websocket.max_connections`, and so on through all keys.
fn read(keys: &Dict, prefix: &str, variable: &impl Fn(&str) -> Option<String>) -> Dict {
    let mut settings = Dict::new();
    for (key, default) in keys {
        let name = format!("{prefix}{}", key.to_ascii_uppercase());
        match default {
            Value::Dict(_, inner) => {
                let inner = read(inner, &format!("{name}_"), variable);
                if !inner.is_empty() {
                    settings.insert(key.clone(), inner.into());
                }
            }
            default => {
                if let Some(text) = variable(&name) {
                    settings.insert(key.clone(), value(&text, default));
                }
            }
        }
    }
    settings
}

/// Text, which becomes a number where one is needed, so that a password of digits stays a password. A list is
/// written as `[a, b]` or as `a,b`.
fn value(text: &str, default: &Value) -> Value {
    match (default, text.trim().as_bytes().first()) {
        (Value::Array(..), Some(b'[')) => text.parse().unwrap_or_else(|_| text.into()),
        (Value::Array(..), _) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(Value::from).collect::<Vec<_>>().into()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::Figment;
    use figment::providers::Serialized;

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let known = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Figment::from(Serialized::defaults(Config::default()))
            .merge(Environment::of(known))
            .extract_lossy()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_with_underscores_reach_their_keys() {
        let config = load(&[
            ("WEBSOCKET_MAX_CONNECTIONS", "5"),
            ("WEBSOCKET_LISTEN", "127.0.0.1:7"),
            ("AUTH_REQUIRED", "false"),
            ("WEBSOCKET_ECHO_PATH", "/echo"),
            ("HOME", "/root"),
        ])
        .unwrap();
        assert_eq!(config.websocket.max_connections, 5);
        assert_eq!(config.websocket.listen, ([127, 0, 0, 1], 7).into());
        assert_eq!(config.websocket.echo_path.as_deref(), Some("/echo"));
        assert!(!config.auth.required);
    }

    #[test]
    fn digits_stay_text_where_text_is_wanted() {
        assert_eq!(load(&[("AUTH_ISSUER", "12345")]).unwrap().auth.issuer.as_deref(), Some("12345"));
    }

    #[test]
    fn a_list_may_be_written_with_commas_or_brackets() {
        for text in ["http://a:1, http://b:2", "[\"http://a:1\", \"http://b:2\"]"] {
            assert_eq!(load(&[("BACKENDS", text)]).unwrap().backends, ["http://a:1", "http://b:2"]);
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_its_variable() {
        let error = load(&[("WEBSOCKET_MAX_CONNECTIONS", "many")]).unwrap_err();
        assert!(error.contains("WEBSOCKET_MAX_CONNECTIONS") && error.contains("many"), "{error}");
    }
}
