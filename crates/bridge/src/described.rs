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

/// How long a call goes on when its gateway has died, and its result is kept for the next: longer than a gateway takes to find
/// another one dead.
const REMEMBERS: Duration = Duration::from_secs(60);

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
        .remember(REMEMBERS)
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
    let mut capabilities = vec![r#""tools":{"listChanged":true}"#];
    if any("resources") {
        capabilities.push(r#""resources":{"subscribe":true,"listChanged":true}"#);
    }
    if any("prompts") {
        capabilities.push(r#""prompts":{"listChanged":true}"#);
    }
    for (capability, written) in [("completions", r#""completions":{}"#), ("logging", r#""logging":{}"#)] {
        if any(capability) {
            capabilities.push(written);
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
    let servers = federation.servers.iter().zip(&catalog.offers);
    let mut with_resources =
        servers.filter(|(_, offers)| offers.as_ref().is_none_or(|offers| offers.terms.has("resources")));
    let prefixes = with_resources.try_fold(Vec::new(), |mut all, (server, _)| {
        let own = &server.settings().uri_prefixes;
        all.extend(own.iter().cloned());
        // One without any may have every resource.
        (!own.is_empty()).then_some(all)
    });
    let capabilities = format!("{{{}}}", capabilities.join(","));
    // What was written here is JSON.
    let capabilities = Raw::parse(capabilities).unwrap_or_else(|_| Raw::empty());
    Mcp { capabilities, instructions, uri_prefixes: prefixes.unwrap_or_default() }
}
