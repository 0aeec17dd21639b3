//! Resources: which server has one is told by its prefixes, its lists, its templates, or at last by asking.
use super::needed;
use crate::calls::Request;
use crate::federation::Federation;
use backend::{Call, ErrorCode, Failure, Raw};
use mcp::method;

pub(super) async fn read(federation: &Federation, call: &Call, params: &str) -> Result<Raw, Failure> {
    let uri = needed(params, "uri")?;
    let request = Request { call, method: method::RESOURCES_READ, params, is_mcp: true };
    let mut last = None;
    for at in servers(federation, &uri) {
        let asked = async {
            let conversation = federation.conversation(at, call).await?;
            request.ask(&conversation, params, &federation.room).await
        };
        match asked.await {
            // It may be another one's.
            Err(failure) if matches!(failure.code, ErrorCode::NotFound | ErrorCode::InvalidParams) => {
                last = Some(failure)
            }
            other => return other,
        }
    }
    Err(last.unwrap_or_else(|| Failure::not_found(format!("no server has the resource {uri:?}"))))
}

/// Those that may have this resource, the likeliest first. If one is sure to have it, that one alone.
pub(super) fn servers(federation: &Federation, uri: &str) -> Vec<usize> {
    let servers = &federation.servers;
    let claims = |at: &usize| {
        servers[*at].settings().uri_prefixes.iter().any(|prefix| uri.starts_with(prefix.as_str()))
    };
    if let Some(own) = (0..servers.len()).find(claims) {
        return vec![own];
    }
    let catalog = federation.catalog();
    let listed = |at: &usize| {
        catalog.offered(*at).is_some_and(|offers| offers.resources.iter().any(|known| known == uri))
    };
    if let Some(own) = (0..servers.len()).find(listed) {
        return vec![own];
    }
    let fits = |template: &String| template.split_once('{').is_some_and(|(start, _)| uri.starts_with(start));
    let has_template =
        |at: &usize| catalog.offered(*at).is_some_and(|offers| offers.templates.iter().any(fits));
    let has_resources = |at: &usize| catalog.offered(*at).is_some_and(|offers| offers.terms.has("resources"));
    let mut found: Vec<usize> = (0..servers.len()).filter(has_resources).collect();
    found.sort_by_key(|at| !has_template(at));
    found
}
