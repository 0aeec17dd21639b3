//! What stands behind the question mark of a URL.

use super::problem::Problem;
use protocol::ErrorCode;

/// The parameters of a URL, each once. Those that nobody asks for are ignored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == *name) {
                let shown: String = name.chars().take(64).collect();
                return Err(wrong(format!("the parameter {shown:?} stands more than once")));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(super) fn needed(&self, name: &str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| wrong(format!("the parameter {name} is missing")))
    }

    /// A whole number up to `most`.
    pub(super) fn number(&self, name: &str, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && *number <= most);
        number
            .map(Some)
            .ok_or_else(|| wrong(format!("the parameter {name} must be a whole number up to {most}")))
    }
}

/// 4005 for a parameter.
pub(super) fn wrong(detail: String) -> Problem {
    Problem::new(ErrorCode::InvalidParams, detail)
}
