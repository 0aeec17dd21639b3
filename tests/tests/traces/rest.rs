//! Requests of the REST API as spans.

use crate::{SPAN, TRACE, collector, parent, traced};
use serde_json::json;
use tests::{Http, Tools};

#[test]
fn a_request_is_a_part_of_the_trace_that_it_comes_with() {
    let collector = collector();
    let gateway = traced(&collector, 0.0);
    let _tools = Tools::at(&gateway);
    let mut http = Http::knowing(&gateway, "echo");
    let body = json!({"arguments": {"text": "unsaid"}}).to_string();
    http.send("POST", "/tools/echo/execute", &[("traceparent", &parent(TRACE, true))], Some(&body));
    assert_eq!(http.response().status, 200);
    let name = "POST /api/v1/tools/{tool}/execute";
    let asked = collector.await_named(name);
    assert_eq!((&*asked.trace, &*asked.parent, &*asked.kind), (TRACE, SPAN, "SERVER"));
    assert_eq!(asked.attribute("http.response.status_code"), Some("200"));
    for part in ["auth", "route", "mcpw.v1.Backend/Calls"] {
        let span = collector.await_named(part);
        assert_eq!((&*span.trace, &span.parent), (TRACE, &asked.id), "{span:?}");
    }
    assert!(!collector.text().contains("unsaid"));
}

#[test]
fn a_message_in_a_request_is_a_part_of_the_trace_that_it_names() {
    const OTHER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const MODERN: &str = "2026-07-28";
    let collector = collector();
    let gateway = traced(&collector, 0.0);
    let _tools = Tools::at(&gateway);
    let mut http = Http::knowing(&gateway, "echo");
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "traceparent": parent(TRACE, true),
    });
    let params = json!({"name": "echo", "arguments": {"text": "unsaid"}, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let carried = parent(OTHER, true);
    let headers = [
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", MODERN),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "echo"),
        ("traceparent", &*carried),
    ];
    http.send_at("POST", "/mcp", &headers, Some(&body));
    assert_eq!(http.response().status, 200);
    let request = collector.await_named("POST /mcp");
    assert_eq!((&*request.trace, &*request.parent), (OTHER, SPAN), "the request is its head's");
    let message = collector.await_named("tool.execute");
    assert_eq!((&*message.trace, &*message.parent, &*message.kind), (TRACE, SPAN, "SERVER"));
    let call = collector.await_named("mcpw.v1.Backend/Calls");
    assert_eq!((&*call.trace, &call.parent), (TRACE, &message.id));
    assert!(!collector.text().contains("unsaid"));
}
