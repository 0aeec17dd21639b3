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
