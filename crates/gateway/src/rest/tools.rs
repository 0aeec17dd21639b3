//! `GET /tools` and `GET /tools/{tool}`.

use super::answer::{self, Answer};
use super::ask::{Ask, JSON};
use super::problem::Problem;
use crate::listing;
use hyper::StatusCode;
use protocol::ErrorCode;

/// All that the caller may execute.
pub(super) fn list(ask: &Ask) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    let query = ask.query()?;
    let prefix = query.text("prefix").unwrap_or_default();
    let tools = listing::tools(&ask.shard().router.table(), ask.access(), prefix);
    Ok(answer::json(StatusCode::OK, tools))
}

/// One, as it stands in the list.
pub(super) fn show(ask: &Ask, name: &str) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    let table = ask.shard().router.table();
    let tool = table.tool(name).filter(|tool| ask.access().to(tool).is_ok());
    let tool = tool.ok_or_else(|| unknown(name))?;
    Ok(answer::json(StatusCode::OK, tool.listing.clone()))
}

/// 4010 for a tool.
pub(super) fn unknown(name: &str) -> Problem {
    let name: String = name.chars().take(128).collect();
    let detail = format!("no tool is named {name:?}; GET /api/v1/tools names those that there are");
    Problem::new(ErrorCode::NotFound, detail)
}
