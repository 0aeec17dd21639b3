//! Prompts, by the names that they have here.
use super::needed;
use crate::calls::Request;
use crate::federation::Federation;
use backend::{Call, Failure, Raw};
use mcp::{Edit, method};

pub(super) async fn get(federation: &Federation, call: &Call, params: &str) -> Result<Raw, Failure> {
    let name = needed(params, "name")?;
    let catalog = federation.catalog();
    let (at, own) = catalog
        .prompt(&name)
        .ok_or_else(|| Failure::invalid_params(format!("name: there is no prompt {name:?}")))?;
    let conversation = federation.conversation(*at, call).await?;
    let own = Edit::of(params).set_text("name", own).finish();
    let request = Request { call, method: method::PROMPTS_GET, params, is_mcp: true };
    request.ask(&conversation, &own, &federation.room).await
}
