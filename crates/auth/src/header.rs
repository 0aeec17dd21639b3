//! What a token says about itself before anybody believes it: an algorithm and a key's id, and nothing else.
//! It refuses to fetch, decode or use any key that a token brings.

use serde_json::Value;

use crate::object::Object;
use crate::{Algorithm, Refusal};

#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
}

impl Header {
    /// Reads the decoded first part of a token.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Refusal> {
        let object: Object = serde_json::from_slice(json).map_err(|_| Refusal::Malformed)?;
        // Presence decides, whatever the value: `null` is as unknown an extension as any other.
        if object.has("crit") {
            return Err(Refusal::UnknownCritical);
        }
        if ["jku", "jwk", "x5u", "x5c"].iter().any(|name| object.has(name)) {
            return Err(Refusal::EmbeddedKey);
        }
        let algorithm = match object.get("alg") {
            Some(Value::String(name)) => Algorithm::from_jose(name).ok_or(Refusal::WrongAlgorithm)?,
            _ => return Err(Refusal::Malformed),
        };
        Ok(Self { algorithm, kid: kid(&object)? })
    }

    /// Reads the decoded footer of a PASETO: nothing, or an object that may name the key.
    pub(crate) fn of_footer(json: &[u8]) -> Result<Self, Refusal> {
        let algorithm = Algorithm::V4Public;
        if json.is_empty() {
            return Ok(Self { algorithm, kid: None });
        }
        let object: Object = serde_json::from_slice(json).map_err(|_| Refusal::Malformed)?;
        if object.has("wpk") {
            return Err(Refusal::EmbeddedKey);
        }
        Ok(Self { algorithm, kid: kid(&object)? })
    }
}

fn kid(object: &Object) -> Result<Option<String>, Refusal> {
    match object.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) => Ok(Some(kid.clone())),
        Some(_) => Err(Refusal::Malformed),
    }
}
