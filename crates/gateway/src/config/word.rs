//! Words that YAML takes for something else where they have no quotes: `off`, `1.2`.

use serde::{Deserialize, Serialize};

/// Whether something is asked of whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", try_from = "Word")]
pub enum Demand {
    /// It is not.
    Off,
    /// What is shown has to be good.
    Optional,
    /// Nobody comes in without it.
    Required,
}

/// What stands in the file.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Word {
    Flag(bool),
    Number(f64),
    Text(String),
}

impl Word {
    pub(super) fn text(self) -> String {
        match self {
            Self::Flag(flag) => if flag { "on" } else { "off" }.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

impl TryFrom<Word> for Demand {
    type Error = String;

    fn try_from(word: Word) -> Result<Self, String> {
        match &*word.text() {
            "off" => Ok(Self::Off),
            "optional" => Ok(Self::Optional),
            "required" => Ok(Self::Required),
            other => Err(format!("{other} is none of off, optional and required")),
        }
    }
}
