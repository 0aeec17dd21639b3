//! What contexts are listed by. A context has a label for its tenant, one for its agent and one for each member
//! of its metadata; every list is a walk along one of them. A label is a hash, and names its tenant too.
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::context::Outline;

/// Every context of the tenant.
pub(crate) fn tenant(tenant: &str) -> Uuid {
    label(&["tenant", tenant])
}

/// The contexts that this agent has made.
pub(crate) fn agent(tenant: &str, agent: &str) -> Uuid {
    label(&["agent", tenant, agent])
}

/// The contexts whose metadata has this member with just this value.
pub(crate) fn member(tenant: &str, name: &str, value: &Value) -> Uuid {
    label(&["member", tenant, name, &canonical(value).to_string()])
}

/// All labels of a context.
pub(crate) fn of(owner: &str, outline: &Outline) -> Vec<Uuid> {
    let mut labels = vec![tenant(owner), agent(owner, &outline.agent)];
    labels.extend(members(&outline.metadata).iter().map(|(name, value)| member(owner, name, value)));
    labels
}

fn members(metadata: &RawValue) -> serde_json::Map<String, Value> {
    // It was checked to be an object when it came.
    serde_json::from_str(metadata.get()).unwrap_or_default()
}

/// `1` and `1.0` are one number.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                (float as i64).into()
            }
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            members.into_iter().map(|(name, value)| (name.clone(), canonical(value))).collect()
        }
        _ => value.clone(),
    }
}

/// A key for what was asked, so that the same request is known again.
pub(crate) fn request(tenant: &str, key: &str, params: &str) -> Uuid {
    label(&["request", tenant, key, params])
}

fn label(parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_have_one_label_and_others_another() {
        let label = |value: Value| member("t", "k", &value);
        assert_eq!(label(json!(1)), label(json!(1.0)));
        assert_eq!(label(json!({"a": 1, "b": [2.0]})), label(json!({"b": [2], "a": 1})));
        assert_ne!(label(json!(1)), label(json!("1")));
        assert_ne!(label(json!(1)), member("u", "k", &json!(1)));
        assert_ne!(member("t", "ab", &json!("c")), member("t", "a", &json!("bc")));
    }
}
