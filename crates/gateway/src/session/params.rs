//! Params of the gateway's own methods, each field checked by name.

use protocol::json;
use session_store::{LogEpoch, Offset, Position};
use std::borrow::Cow;

/// What was wrong with the params and what would be right; answered with 4005.
pub(super) type Mistake = Cow<'static, str>;

/// A params object. A later member of the same name cannot exist: the decoder refused it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Params<'a>(&'a str);

impl<'a> Params<'a> {
    /// Absent params count as an empty object.
    pub(super) fn of(body: &'a str) -> Result<Self, Mistake> {
        match body.as_bytes().first() {
            None => Ok(Self("{}")),
            Some(b'{') => Ok(Self(body)),
            Some(_) => Err("params must be an object".into()),
        }
    }

    /// The JSON text of a member; `null` counts as absent.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        json::member(self.0, name).filter(|value| *value != "null")
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Mistake> {
        self.parse(name, "a string")
    }

    /// A text that nobody may see, even where it is none.
    pub(super) fn secret(&self, name: &'static str) -> Result<Option<String>, Mistake> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(value).map(Some).map_err(|_| format!("params.{name} must be a string").into())
    }

    pub(super) fn required_secret(&self, name: &'static str) -> Result<String, Mistake> {
        self.secret(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn required_text(&self, name: &'static str) -> Result<String, Mistake> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number above zero.
    pub(super) fn positive(&self, name: &'static str) -> Result<Option<u64>, Mistake> {
        let right = "a whole number above 0";
        match self.parse::<u64>(name, right)? {
            Some(0) => Err(format!("params.{name} is 0: {right} is needed").into()),
            number => Ok(number),
        }
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<String>, Mistake> {
        Ok(self.parse(name, "an array of strings")?.unwrap_or_default())
    }

    /// A place in the tenant's log: `log_epoch` and `last_offset`, both or neither.
    pub(super) fn position(&self) -> Result<Option<Position>, Mistake> {
        let epoch = self.text("log_epoch")?;
        let offset = self.parse::<u64>("last_offset", "a whole number")?;
        match (epoch, offset) {
            (None, None) => Ok(None),
            (Some(epoch), Some(offset)) => {
                let right = "params.log_epoch must be 16 hexadecimal digits, as the gateway told";
                let epoch = LogEpoch::parse(&epoch).ok_or(right)?;
                Ok(Some(Position { epoch, offset: Offset(offset) }))
            }
            _ => Err("params.log_epoch and params.last_offset stand together".into()),
        }
    }

    fn parse<T: serde::de::DeserializeOwned>(
        &self,
        name: &'static str,
        right: &str,
    ) -> Result<Option<T>, Mistake> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(value).map(Some).map_err(|_| {
            let mut end = value.len().min(40);
            while !value.is_char_boundary(end) {
                end -= 1;
            }
            format!("params.{name} is {}: {right} is needed", &value[..end]).into()
        })
    }
}

fn missing(name: &str) -> Mistake {
    format!("params.{name} is missing: a string is needed").into()
}
