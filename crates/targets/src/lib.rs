//! What every decoder holds to, whatever bytes come. Each target is a function that panics where its decoder breaks its
//! promise. `fuzz/` runs them under libFuzzer, `tests/smoke.rs` with their seeds and some thousand changes of these.
//!
//! Those of decoders that nobody else may see stand beside them, behind the feature `fuzzing` of their crates.

mod identity;
mod wire;

/// The body of a target.
pub type Body = fn(&[u8]);

/// All targets, by the names of their files in `fuzz/fuzz_targets` and their folders in `fuzz/corpus`.
pub const ALL: [(&str, Body); 31] = [
    ("api_keys", identity::api_keys),
    ("audit", gateway::fuzzing::audit),
    ("binary_decode", wire::binary_decode),
    ("call_events", router::fuzzing::call_events),
    ("call_requests", router::fuzzing::call_requests),
    ("certificates", identity::certificates),
    ("claims", identity::claims),
    ("cursor", context::fuzzing::cursor),
    ("descriptions", router::fuzzing::descriptions),
    ("discovery", gateway::fuzzing::discovery),
    ("event_names", gateway::fuzzing::event_names),
    ("forwarded", gateway::fuzzing::forwarded),
    ("frames", gateway::fuzzing::frames),
    ("inflate", wire::inflate),
    ("jwks", identity::jwks),
    ("mcp_cursors", mcp::fuzzing::mcp_cursors),
    ("mcp_edits", mcp::fuzzing::mcp_edits),
    ("mcp_headers", bridge::fuzzing::mcp_headers),
    ("mcp_messages", mcp::fuzzing::mcp_messages),
    ("merge_patch", context::fuzzing::merge_patch),
    ("params", gateway::fuzzing::params),
    ("proxy", gateway::fuzzing::proxy),
    ("replies", session_store::fuzzing::replies),
    ("rest", gateway::fuzzing::rest),
    ("search", context::fuzzing::search),
    ("streamable", gateway::fuzzing::streamable),
    ("text_decode", wire::text_decode),
    ("tickets", identity::tickets),
    ("tokens", identity::tokens),
    ("traceparent", metrics::trace::fuzzing::traceparent),
    ("upgrade", gateway::fuzzing::upgrade),
];

/// Runs the target of this name.
///
/// # Panics
/// There is none, or its decoder breaks its promise.
pub fn run(name: &str, input: &[u8]) {
    let found = ALL.iter().find(|(known, _)| *known == name);
    let (_, body) = found.unwrap_or_else(|| panic!("there is no target {name}"));
    body(input);
}
