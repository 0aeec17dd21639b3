//! A client that says every header itself: one connection for each request, as proxies make of it.

use serde_json::{Value, json};
use tests::{Endpoints, Http, Response, Sent, until};

/// What clients of the protocol have to accept.
pub(crate) const BOTH: &str = "application/json, text/event-stream";

/// A client of one era, for one holder of a token.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    gateway: Endpoints,
    token: String,
    /// The version; a legacy one is opened by `initialize`.
    version: &'static str,
    pub(crate) session: Option<String>,
    /// What the client can be asked for.
    capabilities: Value,
}

/// The version without sessions.
const MODERN: &str = "2026-07-28";

impl Peer {
    /// A client that says everything in each request.
    pub(crate) fn modern(gateway: &Endpoints) -> Self {
        let token = gateway.keys.token();
        Self { gateway: gateway.clone(), token, version: MODERN, session: None, capabilities: json!({}) }
    }

    /// A client that has opened a session.
    pub(crate) fn legacy(gateway: &Endpoints, version: &'static str, capabilities: &Value) -> Self {
        let mut peer = Self { version, capabilities: capabilities.clone(), ..Self::modern(gateway) };
        let params = json!({
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answer = peer.post(&[], &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["result"]["protocolVersion"], version, "{}", answer.text());
        peer.session = answer.header("Mcp-Session-Id").map(str::to_owned);
        assert!(peer.session.is_some(), "{answer:?}");
        let told = peer.post_own(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        assert_eq!((told.status, told.text()), (202, String::new()));
        peer
    }

    /// The same client at another pod.
    pub(crate) fn at(&self, gateway: &Endpoints) -> Self {
        Self { gateway: gateway.clone(), ..self.clone() }
    }

    /// The same client with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The params of a request, with what a modern one says in each.
    pub(crate) fn params(&self, params: &Value) -> Value {
        let mut params = params.clone();
        if self.version == MODERN {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
            meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        }
        params
    }

    fn own_headers(&self, body: &Value) -> Vec<(&'static str, String)> {
        let mut headers = vec![("MCP-Protocol-Version", self.version.to_owned())];
        headers.extend(self.session.iter().map(|session| ("Mcp-Session-Id", session.clone())));
        if self.version == MODERN {
            headers.extend(body["method"].as_str().map(|method| ("Mcp-Method", method.to_owned())));
            let name = body["params"]["name"].as_str().or_else(|| body["params"]["uri"].as_str());
            headers.extend(name.map(|name| ("Mcp-Name", name.to_owned())));
        }
        headers
    }

    /// A connection of its own.
    pub(crate) fn open(&self) -> Http {
        Http::with_token(&self.gateway, &self.token)
    }

    /// Posts with these headers alone.
    pub(crate) fn post(&self, headers: &[(&str, &str)], body: &Value) -> Response {
        let mut http = self.open();
        let mut all = vec![("Accept", BOTH)];
        all.extend_from_slice(headers);
        http.send_at("POST", "/mcp", &all, Some(&body.to_string()));
        http.response()
    }

    /// Sends with the headers that the body asks for.
    pub(crate) fn send_own(&self, accept: &str, more: &[(&str, &str)], body: &Value) -> Http {
        let own = self.own_headers(body);
        let mut headers: Vec<(&str, &str)> =
            own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("Accept", accept));
        headers.extend_from_slice(more);
        let mut http = self.open();
        http.send_at("POST", "/mcp", &headers, Some(&body.to_string()));
        http
    }

    /// Posts with the headers that the body asks for.
    pub(crate) fn post_own(&self, body: &Value) -> Response {
        self.send_own(BOTH, &[], body).response()
    }

    pub(crate) fn message(&self, id: &Value, method: &str, params: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": self.params(params)})
    }

    /// Asks and awaits the answer, which is one object; the whole message.
    pub(crate) fn answer(&self, method: &str, params: &Value) -> Value {
        let answer = self.post_own(&self.message(&json!(7), method, params));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("Content-Type"), Some("application/json"), "{answer:?}");
        let message = answer.json();
        assert_eq!((&message["jsonrpc"], &message["id"]), (&json!("2.0"), &json!(7)), "{message}");
        message
    }

    /// Asks and awaits the result.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> Value {
        let mut message = self.answer(method, params);
        assert!(message["result"].is_object(), "{message}");
        message["result"].take()
    }

    /// Calls a tool; its result.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Asks for what has to come as a stream.
    pub(crate) fn stream(&self, id: &Value, method: &str, params: &Value) -> Http {
        let mut http = self.send_own(BOTH, &[], &self.message(id, method, params));
        check_stream(&mut http);
        http
    }

    /// Gets the stream of the session.
    pub(crate) fn listen(&self, last: Option<&str>) -> Http {
        let mut http = self.open();
        let mut headers = vec![("Accept", "text/event-stream"), ("MCP-Protocol-Version", self.version)];
        headers.extend(self.session.as_deref().map(|session| ("Mcp-Session-Id", session)));
        headers.extend(last.map(|last| ("Last-Event-ID", last)));
        http.send_at("GET", "/mcp", &headers, None);
        check_stream(&mut http);
        http
    }

    /// Ends the session.
    pub(crate) fn delete(&self) -> Response {
        let mut http = self.open();
        let session = self.session.as_deref().unwrap_or_default();
        http.send_at("DELETE", "/mcp", &[("Mcp-Session-Id", session)], None);
        http.response()
    }

    /// Waits until every shard that it may come to knows this tool.
    pub(crate) fn await_tool(&self, name: &str) {
        let mut known = 0;
        until(&format!("the tool {name}"), || {
            let tools = self.ask("tools/list", &json!({}));
            let tools = tools["tools"].as_array().expect("a list of tools");
            known = if tools.iter().any(|tool| tool["name"] == name) { known + 1 } else { 0 };
            (known == 16).then_some(())
        });
    }
}

/// The head of a stream.
pub(crate) fn check_stream(http: &mut Http) {
    let head = http.head();
    assert_eq!(head.status, 200, "{head:?}");
    assert_eq!(head.header("Content-Type"), Some("text/event-stream"), "{head:?}");
    assert_eq!(head.header("X-Accel-Buffering"), Some("no"), "{head:?}");
}

/// The next message of a stream.
pub(crate) fn heard(http: &mut Http) -> Value {
    let sent: Sent = http.event();
    assert_eq!(sent.kind, "message");
    sent.json()
}
