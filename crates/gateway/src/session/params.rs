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

    /// The JSON texts of several members, each as [`Params::raw`] has it, of one look at the object.
    pub(super) fn pick<const N: usize>(&self, names: [&'static str; N]) -> [Picked<'a>; N] {
        let mut picked = names.map(|name| Picked { name, raw: None });
        for (key, raw) in json::members(self.0) {
            if let Some(member) = picked.iter_mut().find(|member| member.name == key) {
                member.raw = Some(raw).filter(|raw| *raw != "null");
            }
        }
        picked
    }

    fn one(&self, name: &'static str) -> Picked<'a> {
        Picked { name, raw: self.raw(name) }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<Cow<'a, str>>, Mistake> {
        self.one(name).text()
    }

    /// A text that nobody may see, even where it is none.
    pub(super) fn secret(&self, name: &'static str) -> Result<Option<String>, Mistake> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(value).map(Some).map_err(|_| format!("params.{name} must be a string").into())
    }

    pub(super) fn required_secret(&self, name: &'static str) -> Result<String, Mistake> {
        self.secret(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn required_text(&self, name: &'static str) -> Result<Cow<'a, str>, Mistake> {
        self.one(name).required_text()
    }

    pub(super) fn positive(&self, name: &'static str) -> Result<Option<u64>, Mistake> {
        self.one(name).positive()
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<String>, Mistake> {
        Ok(self.one(name).parse("an array of strings")?.unwrap_or_default())
    }

    /// A place in the tenant's log: `log_epoch` and `last_offset`, both or neither.
    pub(super) fn position(&self) -> Result<Option<Position>, Mistake> {
        let epoch = self.text("log_epoch")?;
        let offset = self.one("last_offset").parse::<u64>("a whole number")?;
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
}

/// A member that was looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picked<'a> {
    name: &'static str,
    /// Its JSON text, if it is there and not `null`.
    pub(super) raw: Option<&'a str>,
}

impl<'a> Picked<'a> {
    pub(super) fn text(&self) -> Result<Option<Cow<'a, str>>, Mistake> {
        let Some(raw) = self.raw else { return Ok(None) };
        // The decoder has found it to be JSON, so that what is quoted is a string.
        match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(content) => Ok(Some(json::unescape(content))),
            None => Err(self.mistake(raw, "a string")),
        }
    }

    pub(super) fn required_text(&self) -> Result<Cow<'a, str>, Mistake> {
        self.text()?.ok_or_else(|| missing(self.name))
    }

    /// A whole number above zero.
    pub(super) fn positive(&self) -> Result<Option<u64>, Mistake> {
        let right = "a whole number above 0";
        match self.parse::<u64>(right)? {
            Some(0) => Err(self.mistake("0", right)),
            number => Ok(number),
        }
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, right: &str) -> Result<Option<T>, Mistake> {
        let Some(raw) = self.raw else { return Ok(None) };
        serde_json::from_str(raw).map(Some).map_err(|_| self.mistake(raw, right))
    }

    fn mistake(&self, raw: &str, right: &str) -> Mistake {
        let mut end = raw.len().min(40);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        format!("params.{} is {}: {right} is needed", self.name, &raw[..end]).into()
    }
}

fn missing(name: &str) -> Mistake {
    format!("params.{name} is missing: a string is needed").into()
}
