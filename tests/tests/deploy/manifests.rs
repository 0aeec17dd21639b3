//! Kubernetes manifests as they would be sent to a cluster. Refuses to know who has rendered them.

use serde_json::Value;

use crate::judge::{As, judged};

/// Manifests without fault.
#[derive(Debug)]
pub(crate) struct Manifests(Vec<Value>);

impl Manifests {
    /// Those of a text of YAML.
    #[track_caller]
    pub(crate) fn of(text: &str) -> Self {
        Self(judged(text, As::Manifests))
    }

    /// All of one kind.
    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |manifest| manifest["kind"] == kind)
    }

    /// The one of a kind with this name.
    #[track_caller]
    pub(crate) fn one(&self, kind: &str, name: &str) -> &Value {
        let found = self.all(kind).find(|manifest| manifest["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}, but {:?}", self.kinds()))
    }

    /// Kind and name of each.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let name =
            |manifest: &Value| format!("{} {}", text(&manifest["kind"]), text(&manifest["metadata"]["name"]));
        self.0.iter().map(name).collect()
    }
}

/// A string of a manifest.
#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

/// A list of a manifest, or nothing where there is none.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether a selector takes what has these labels.
#[track_caller]
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let selector = selector.as_object().expect("a selector is an object");
    assert!(!selector.is_empty(), "a selector without labels takes everything");
    selector.iter().all(|(label, value)| labels.get(label) == Some(value))
}
