//! The bridge as a backend: its tools, and what it says of itself.
use crate::catalog::{Catalog, Tool};
use crate::federation::Federation;
use crate::methods;
use backend::{Backend, Call, Handler, Mcp, Raw};
use mcp::text;
use protocol::{Limits, json};
use std::sync::Arc;
use std::time::Duration;

/// Gateways take no longer description, and no larger schema or tool.
const MAX_DESCRIPTION: usize = 16 << 10;
const MAX_SCHEMA: usize = 256 << 10;
const MAX_TOOL: usize = 1 << 20;
const MAX_INSTRUCTIONS: usize = 64 << 10;
/// The member of a capability that tells which list it is.
const REVISION: &str = "mcpw/revision";

/// The backend that the catalog makes of the bridge.
pub(crate) fn backend(federation: &Arc<Federation>) -> Backend {
    let catalog = federation.catalog();
    let name = &federation.settings.name;
    let answering = Arc::clone(federation);
    let methods = Handler::new(Mcp::methods(name), move |call: Call, params: Raw| {
        let federation = Arc::clone(&answering);
        async move { methods::answer(&federation, &call, &params).await }
    });
    let mut backend = Backend::new(name)
        .remember(Duration::from_millis(federation.settings.remember_ms))
        .version(env!("CARGO_PKG_VERSION"))
        .method(methods)
        .mcp(described(federation, &catalog));
    for tool in &catalog.tools {
        match declared(federation, tool) {
            Ok(tool) => backend = backend.tool(tool),
            Err(reason) => {
                let server = federation.servers[tool.server].name();
                tracing::error!(server, tool = tool.own, reason, "a tool is left out");
            }
        }
    }
    backend
}

/// # Errors
/// Why no gateway would take it.
fn declared(federation: &Arc<Federation>, tool: &Tool) -> Result<backend::Tool, String> {
    let listed = &tool.listed;
    if listed.len() > MAX_TOOL {
        return Err(format!("it is larger than {MAX_TOOL} bytes"));
    }
    let json = |text: &str| Raw::parse(text.to_owned()).map_err(|error| error.to_string());
    let (target, calling) = (tool.clone(), Arc::clone(federation));
    let mut declared = backend::Tool::mcp(&tool.name, json(listed)?, move |call: Call, params: Raw| {
        let (federation, tool) = (Arc::clone(&calling), target.clone());
        async move { federation.call(&tool, &call, &params).await }
    });
    let mut description = text::member(listed, "description").unwrap_or_default().into_owned();
    if description.len() > MAX_DESCRIPTION {
        description.truncate(description.floor_char_boundary(MAX_DESCRIPTION));
    }
    declared = declared.description(description);
    for (member, is_input) in [("inputSchema", true), ("outputSchema", false)] {
        let Some(schema) = json::member(listed, member).filter(|schema| schema.starts_with('{')) else {
            continue;
        };
        if schema.len() > MAX_SCHEMA || json::validate(schema, Limits::MAX_DEPTH).is_err() {
            return Err(format!("its {member} is larger than {MAX_SCHEMA} bytes"));
        }
        let schema = json(schema)?;
        declared = if is_input { declared.input_schema(schema) } else { declared.output_schema(schema) };
    }
    let settings = federation.servers[tool.server].settings();
    let hints = json::member(listed, "annotations").unwrap_or("{}");
    let hint = |name: &str| json::member(hints, name);
    let trusted = settings.trust_annotations;
    let is_read_only = trusted && hint("readOnlyHint") == Some("true");
    if is_read_only {
        declared = declared.read_only();
    }
    if is_read_only || (trusted && hint("idempotentHint") == Some("true")) {
        declared = declared.idempotent();
    }
    // As the protocol says: whoever tells nothing may destroy.
    let is_harmless = trusted && hint("destructiveHint") == Some("false");
    if !is_read_only && !is_harmless {
        declared = declared.destructive();
    }
    for scope in &settings.scopes {
        declared = declared.scope(scope);
    }
    if settings.timeout_ms > 0 {
        declared = declared.timeout(Duration::from_millis(settings.timeout_ms.into()));
    }
    Ok(declared)
}

/// What all servers together are as one.
fn described(federation: &Federation, catalog: &Catalog) -> Mcp {
    let known = || catalog.offers.iter().flatten();
    let any = |capability: &str| known().any(|offers| offers.terms.has(capability));
    // Gateways tell clients that a list has changed where its revision has.
    let revision = |of: usize| known().fold(0_u64, |all, offers| all.rotate_left(1) ^ offers.revisions[of]);
    let mut capabilities = vec![r#""tools":{"listChanged":true}"#.to_owned()];
    if any("resources") {
        let members = r#""subscribe":true,"listChanged":true"#;
        capabilities.push(format!(r#""resources":{{{members},"{REVISION}":"{:x}"}}"#, revision(0)));
    }
    if any("prompts") {
        capabilities.push(format!(r#""prompts":{{"listChanged":true,"{REVISION}":"{:x}"}}"#, revision(1)));
    }
    for capability in ["completions", "logging"] {
        if any(capability) {
            capabilities.push(format!("\"{capability}\":{{}}"));
        }
    }
    let several = federation.servers.len() > 1;
    let mut instructions = String::new();
    for (server, offers) in federation.servers.iter().zip(&catalog.offers) {
        let told = offers.as_ref().map_or("", |offers| offers.terms.instructions.trim());
        if !told.is_empty() {
            if !instructions.is_empty() {
                instructions.push_str("\n\n");
            }
            if several {
                instructions.push_str(&format!("# {}\n\n", server.name()));
            }
            instructions.push_str(told);
        }
    }
    instructions.truncate(instructions.floor_char_boundary(MAX_INSTRUCTIONS));
    let capabilities = format!("{{{}}}", capabilities.join(","));
    // What was written here is JSON.
    let capabilities = Raw::parse(capabilities).unwrap_or_else(|_| Raw::empty());
    let uri_prefixes = prefixes(federation, catalog).unwrap_or_default();
    Mcp { capabilities, instructions, uri_prefixes }
}

/// What the URIs of all resources begin with; `None` where nobody knows: a server without prefixes may have any, and one that
/// names others, such as the `ui://` of a tool, has those too.
fn prefixes(federation: &Federation, catalog: &Catalog) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for (server, offers) in federation.servers.iter().zip(&catalog.offers) {
        if offers.as_ref().is_some_and(|offers| !offers.terms.has("resources")) {
            continue;
        }
        let own = &server.settings().uri_prefixes;
        let is_own = |uri: &str| own.iter().any(|prefix| uri.starts_with(prefix.as_str()));
        let has_others = offers.as_ref().is_some_and(|offers| {
            let templates =
                offers.templates.iter().map(|template| template.split('{').next().unwrap_or_default());
            let mut named = offers.resources.iter().map(String::as_str).chain(templates);
            named.any(|uri| !is_own(uri))
                || (!is_own("ui://") && offers.tools.iter().any(|tool| tool.contains("\"ui://")))
        });
        if own.is_empty() || has_others {
            return None;
        }
        all.extend(own.iter().cloned());
    }
    Some(all)
}
