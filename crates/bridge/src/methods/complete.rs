//! Completion of the arguments of prompts and of templates.
use super::{needed, read};
use crate::calls::Request;
use crate::federation::Federation;
use backend::{Call, Failure, Raw};
use mcp::{Edit, method};
use protocol::json;

pub(super) async fn complete(federation: &Federation, call: &Call, params: &str) -> Result<Raw, Failure> {
    let reference = json::member(params, "ref").unwrap_or("{}");
    let kind = needed(reference, "type")?;
    let catalog = federation.catalog();
    let (at, own) = match &*kind {
        "ref/prompt" => {
            let name = needed(reference, "name")?;
            let known = catalog.prompt(&name);
            let (at, own) = known
                .ok_or_else(|| Failure::invalid_params(format!("ref.name: there is no prompt {name:?}")))?;
            (*at, Edit::of(params).within("ref", |edit| edit.set_text("name", own)).finish())
        }
        "ref/resource" => {
            let uri = needed(reference, "uri")?;
            let has = |at: &usize| {
                catalog.offered(*at).is_some_and(|offers| {
                    offers.templates.iter().chain(&offers.resources).any(|known| *known == uri)
                })
            };
            let found = (0..federation.servers.len()).find(has);
            let found = found.or_else(|| read::servers(federation, &uri).first().copied());
            let at =
                found.ok_or_else(|| Failure::invalid_params(format!("ref.uri: no server knows {uri:?}")))?;
            (at, params.into())
        }
        other => {
            return Err(Failure::invalid_params(format!(
                "ref.type = {other:?}: ref/prompt or ref/resource is needed"
            )));
        }
    };
    let conversation = federation.conversation(at, call).await?;
    let request = Request { call, method: method::COMPLETE, params, is_mcp: true };
    request.ask(&conversation, &own, &federation.room).await
}
