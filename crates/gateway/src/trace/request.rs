//! A request of the REST API as a span.

use super::connection::parent;
use hyper::Method;
use hyper::header::HeaderMap;
use metrics::trace::{Kind, Open, Span, Tracer};

/// A request that comes now; `None` where nothing is traced.
pub(crate) fn request(tracer: &Tracer, headers: &HeaderMap) -> Option<Open> {
    tracer.is_on().then(|| tracer.begin(parent(headers)))
}

/// A message that a request has brought, and that names its own trace, was answered with this status.
pub(crate) fn tell_brought(tracer: &Tracer, open: Open, method: &'static str, status: u16) {
    let is_grave = status >= 500;
    if !open.is_sampled() && !is_grave {
        return;
    }
    let span = Span::new(open, Kind::Server, method)
        .text("rpc.system", "mcpw")
        .text("rpc.method", method)
        .text("network.protocol.name", "http")
        .number("http.response.status_code", status);
    tracer.tell(if is_grave { span.failed(status.to_string()) } else { span });
}

/// It was answered with this status. A route is one of those that there are.
pub(crate) fn tell_request(tracer: &Tracer, open: Open, method: &Method, route: &'static str, status: u16) {
    let is_grave = status >= 500;
    if !open.is_sampled() && !is_grave {
        return;
    }
    let span = Span::new(open, Kind::Server, format!("{method} {route}"))
        .text("http.request.method", method.to_string())
        .text("http.route", route)
        .number("http.response.status_code", status)
        .text("network.protocol.name", "http")
        .text("network.protocol.version", "1.1");
    tracer.tell(if is_grave { span.failed(status.to_string()) } else { span });
}
