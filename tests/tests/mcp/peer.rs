//! A client of the protocol that reads strictly.

use serde_json::{Value, json};
use std::ops::{Deref, DerefMut};
use tests::{Client, Endpoints};

/// A connection that speaks JSON-RPC.
pub(crate) struct Peer {
    client: Client,
    last_id: u64,
    /// What each request says of itself.
    meta: Value,
    /// The answer to `initialize`.
    pub(crate) opened: Value,
}

impl Peer {
    /// A client of the newest version, which says so in each request.
    pub(crate) fn modern(gateway: &Endpoints) -> Self {
        Self::modern_with(gateway, &gateway.keys.token(), &json!({"elicitation": {}}))
    }

    /// The same with this token.
    pub(crate) fn modern_as(gateway: &Endpoints, token: &str) -> Self {
        Self::modern_with(gateway, token, &json!({"elicitation": {}}))
    }

    /// The same with this token, that can be asked for these things.
    pub(crate) fn modern_with(gateway: &Endpoints, token: &str, capabilities: &Value) -> Self {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "peer", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let upgrade = gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
        Self::over(gateway.accepted(&upgrade.with("Sec-WebSocket-Protocol", "mcp")), meta)
    }

    fn over(mut client: Client, meta: Value) -> Self {
        client.tolerate_pings();
        Self { client, last_id: 0, meta, opened: Value::Null }
    }

    /// A client of this version, which has opened a session.
    pub(crate) fn legacy(gateway: &Endpoints, version: &str) -> Self {
        Self::initialize(gateway, version, &json!({}))
    }

    /// The same with this `_meta` of `initialize`.
    pub(crate) fn initialize(gateway: &Endpoints, version: &str, meta: &Value) -> Self {
        let capabilities = json!({"elicitation": {}, "roots": {"listChanged": true}});
        Self::initialize_with(gateway, version, &capabilities, meta)
    }

    /// The same that can be asked for other things.
    pub(crate) fn initialize_with(
        gateway: &Endpoints,
        version: &str,
        capabilities: &Value,
        meta: &Value,
    ) -> Self {
        let mut peer = Self::over(connect(gateway), Value::Null);
        peer.opened = peer.ask(
            "initialize",
            &json!({
                "protocolVersion": version,
                "capabilities": capabilities,
                "clientInfo": {"name": "peer", "version": "1"},
                "_meta": meta,
            }),
        );
        peer.json(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        peer
    }

    /// A request, with what each says of itself.
    pub(crate) fn request(&self, id: &Value, method: &str, params: &Value) -> Value {
        let mut params = params.clone();
        if let Value::Object(meta) = &self.meta {
            let own = params["_meta"].as_object().cloned().unwrap_or_default();
            params["_meta"] = Value::Object(meta.clone().into_iter().chain(own).collect());
        }
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    }

    /// Sends a request and returns at once.
    pub(crate) fn send(&mut self, id: &Value, method: &str, params: &Value) {
        let request = self.request(id, method, params);
        self.json(&request);
    }

    /// The answer to the request with this id, which must be the next message.
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        let message = self.client.message();
        assert_eq!((&message["jsonrpc"], &message["id"]), (&json!("2.0"), id), "{message}");
        message
    }

    /// The result of the request with this id.
    pub(crate) fn result(&mut self, id: &Value) -> Value {
        let mut message = self.answer(id);
        assert!(message["result"].is_object(), "{message}");
        message["result"].take()
    }

    /// Asks and awaits the result.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.fresh_id();
        self.send(&id, method, params);
        self.result(&id)
    }

    /// Asks and awaits an error of this code; the whole of it.
    pub(crate) fn wrong(&mut self, method: &str, params: &Value, code: i64) -> Value {
        let id = self.fresh_id();
        self.send(&id, method, params);
        let mut message = self.answer(&id);
        assert_eq!(message["error"]["code"], code, "{message}");
        message["error"].take()
    }

    /// The next message, which must be a notification of this method; its params.
    pub(crate) fn note(&mut self, method: &str) -> Value {
        let mut message = self.client.message();
        assert_eq!((&message["method"], &message["id"]), (&json!(method), &Value::Null), "{message}");
        message["params"].take()
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Waits until this tool is listed.
    pub(crate) fn await_tool(&mut self, name: &str) {
        tests::until(&format!("the tool {name}"), || {
            let list = self.ask("tools/list", &json!({}));
            let tools = list["tools"].as_array().expect("a list of tools").clone();
            tools.iter().any(|tool| tool["name"] == name).then_some(())
        });
    }

    /// Ends the connection as a cut cable does.
    pub(crate) fn cut(self) {
        self.client.reset_now();
    }

    fn fresh_id(&mut self) -> Value {
        self.last_id += 1;
        // Numbers and texts in turn.
        if self.last_id.is_multiple_of(2) { json!(self.last_id) } else { json!(format!("q{}", self.last_id)) }
    }
}

fn connect(gateway: &Endpoints) -> Client {
    gateway.accepted(&gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp"))
}

impl Deref for Peer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Peer {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
