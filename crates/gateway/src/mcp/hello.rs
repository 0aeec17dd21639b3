//! How the platform introduces itself: `server/discover`, and what `initialize` is answered with.

use super::decide::Server;
use super::{Client, SERVER_INFO};
use mcp::translate::capabilities::server_to_legacy;
use mcp::translate::result::Cache;
use mcp::{Version, method, text};
use protocol::json;

/// What is offered, as the newest version says it. Lists are always there: backends come and go, and whoever has seen an empty one
/// hears of it when there is something in it.
fn capabilities(server: &Server<'_>) -> String {
    let has = |member: &str| {
        server.table.mcp().iter().any(|source| {
            let capabilities = std::str::from_utf8(&source.capabilities).unwrap_or_default();
            json::member(capabilities, member).is_some()
        })
    };
    let mut out = r#"{"logging":{},"tools":{"listChanged":true},"prompts":{"listChanged":true}"#.to_owned();
    out += r#","resources":{"subscribe":true,"listChanged":true}"#;
    if has("completions") {
        out += ",\"completions\":{}";
    }
    out + "}"
}

/// What the servers say of how they are to be used.
fn instructions(server: &Server<'_>) -> Option<String> {
    let told = server.table.mcp().iter().filter(|source| !source.instructions.is_empty());
    let told: Vec<String> =
        told.map(|source| format!("{}: {}", source.backend, source.instructions)).collect();
    (!told.is_empty()).then(|| told.join("\n\n"))
}

fn with_instructions(mut out: String, server: &Server<'_>) -> String {
    if let Some(instructions) = instructions(server) {
        out += &format!(",\"instructions\":{}", text::quoted(&instructions));
    }
    out
}

/// `server/discover`.
pub(super) fn discovered(server: &Server<'_>) -> String {
    let out =
        format!("{{\"supportedVersions\":{},\"capabilities\":{}", Version::list(), capabilities(server));
    let out = with_instructions(out, server) + "}";
    let modern = mcp::translate::result::to_modern(&out, method::DISCOVER, Cache::NONE, Some(SERVER_INFO));
    modern.into_owned()
}

/// The result of `initialize`; `session` is what stands in `_meta["mcpw/session"]`, raw.
pub(crate) fn initialized(client: &Client, server: &Server<'_>, session: Option<&str>) -> String {
    let capabilities = capabilities(server);
    let out = format!(
        "{{\"protocolVersion\":\"{}\",\"capabilities\":{},\"serverInfo\":{SERVER_INFO}",
        client.version,
        server_to_legacy(&capabilities, client.version)
    );
    let mut out = with_instructions(out, server);
    if let Some(session) = session {
        out += &format!(",\"_meta\":{{\"{}\":{session}}}", mcp::meta::SESSION);
    }
    out + "}"
}
