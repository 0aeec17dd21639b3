//! A backend that stands for a server of the protocol.

use backend::{Backend, Call, Failure, Handler, Mcp, Raw, Tool};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tests::{Endpoints, Tools};
use tokio::sync::broadcast;

/// What it was asked, and a way to have it tell of a resource.
#[derive(Clone)]
pub(crate) struct Server {
    /// The raw params of each call, with its method.
    pub(crate) asked: Arc<Mutex<Vec<(String, String)>>>,
    /// The session that each method was last asked in.
    sessions: Arc<Mutex<HashMap<String, String>>>,
    updates: broadcast::Sender<String>,
}

/// How it lists its tool.
pub(crate) const TOOL: &str =
    r#"{ "name" : "own","title":"T\u0061","inputSchema":{"type":"object"},"x-unknown":[1.0, 2e1]}"#;

fn text(raw: &Raw) -> &str {
    std::str::from_utf8(raw.as_bytes()).expect("JSON is text")
}

fn raw(text: &str) -> Raw {
    Raw::parse(text.to_owned()).expect("it is JSON")
}

impl Server {
    pub(crate) fn new() -> Self {
        Self { asked: Arc::default(), sessions: Arc::default(), updates: broadcast::channel(64).0 }
    }

    /// Registers it under this name.
    pub(crate) fn serve(&self, name: &str, gateway: &Endpoints) -> Tools {
        Tools::serve(self.backend(name), gateway)
    }

    fn backend(&self, name: &str) -> Backend {
        let server = self.clone();
        let tool = Tool::mcp(format!("{name}.own"), raw(TOOL), move |call: Call, params: Raw| {
            let server = server.clone();
            async move { server.call(call, params).await }
        });
        let server = self.clone();
        let (own, uri) = (name.to_owned(), format!("{name}://"));
        let methods = Handler::new(Mcp::methods(name), move |call: Call, params: Raw| {
            let (server, own) = (server.clone(), own.clone());
            async move { server.method(call, params, &own).await }
        });
        let capabilities = r#"{"resources":{"subscribe":true},"prompts":{},"completions":{}}"#;
        Backend::new(name).tool(tool).method(methods).mcp(Mcp {
            capabilities: raw(capabilities),
            instructions: format!("use {name} well"),
            uri_prefixes: vec![uri],
        })
    }

    fn note(&self, call: &Call, method: &str, params: &Raw) {
        let session = call.session_id().to_owned();
        self.sessions.lock().expect("nobody panics with it").insert(method.to_owned(), session);
        let asked = (method.to_owned(), text(params).to_owned());
        self.asked.lock().expect("nobody panics with it").push(asked);
    }

    /// The latest params that it was asked with.
    pub(crate) fn last(&self) -> String {
        self.asked.lock().expect("nobody panics with it").last().expect("it was asked").1.clone()
    }

    /// The session that this method was last asked in; empty where there was none.
    pub(crate) fn session_of(&self, method: &str) -> String {
        let sessions = self.sessions.lock().expect("nobody panics with it");
        sessions.get(method).unwrap_or_else(|| panic!("{method} was not asked")).clone()
    }

    async fn call(&self, call: Call, params: Raw) -> Result<Raw, Failure> {
        self.note(&call, call.method(), &params);
        let said: serde_json::Value = serde_json::from_str(text(&params)).expect("it is JSON");
        match said["arguments"]["do"].as_str() {
            Some("ask" | "ask and wait") if said["inputResponses"].is_null() => {
                let token = &said["_meta"]["progressToken"];
                if !token.is_null() {
                    call.partial(raw(&format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1,"total":2,"message":"half"}}}}"#))).await?;
                }
                Ok(raw(
                    r#"{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"mode":"form","message":"Who?","requestedSchema":{"type":"object","properties":{}},"odd":1.50}}},"requestState":"s\"1"}"#,
                ))
            }
            Some("ask without a state") if said["inputResponses"].is_null() => Ok(raw(
                r#"{"resultType":"input_required","inputRequests":{"who":{"method":"elicitation/create","params":{"mode":"form","message":"Who?","requestedSchema":{"type":"object","properties":{}}}}}}"#,
            )),
            Some(ask @ ("ask" | "ask without a state" | "ask and wait")) => {
                if ask == "ask and wait" {
                    // The sender lives as long as the server.
                    let _ = self.updates.subscribe().recv().await;
                }
                let answer = said["inputResponses"]["who"].to_string();
                let state = said["requestState"].to_string();
                Ok(raw(&format!(
                    r#"{{"resultType":"complete","content":[],"structuredContent":{{"who":{answer},"state":{state}}}}}"#
                )))
            }
            Some("fail") => Err(Failure::new(backend::ErrorCode::Internal, "no").with_details(
                serde_json::json!({"mcp": {"code": -32099, "message": "own", "data": {"k": 1.0}}}),
            )),
            Some("lack") => Err(Failure::new(backend::ErrorCode::Internal, "no").with_details(
                serde_json::json!({"mcp": {"code": -32021, "message": "more", "data": {"requiredCapabilities": {"roots": {}}}}}),
            )),
            Some("tell") => {
                let token = said["_meta"]["progressToken"].to_string();
                call.partial(raw(&format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1,"odd":1.0}}}}"#))).await?;
                call.partial(raw(
                    r#"{"method":"notifications/message","params":{"level":"info","data":[ 1.0 ]}}"#,
                ))
                .await?;
                Ok(raw(r#"{"resultType":"complete","content":[]}"#))
            }
            _ => Ok(raw(
                r#"{"content":[{"type":"text","text":"h\u0069","later":1.0}],"structuredContent":[ 1.0 ],"resultType":"complete","unknown":{ "a" :[ 2e1 ] }}"#,
            )),
        }
    }

    async fn method(&self, call: Call, params: Raw, own: &str) -> Result<Raw, Failure> {
        let method = call.method().rsplit('.').next().unwrap_or_default().to_owned();
        self.note(&call, &method, &params);
        let said: serde_json::Value = serde_json::from_str(text(&params)).expect("it is JSON");
        let answer = match &*method {
            "resources/list" if said["cursor"].is_null() => {
                format!(
                    r#"{{"resources":[{{"uri":"{own}://1","name":"one","odd":1.0}}],"nextCursor":"2\u0020"}}"#
                )
            }
            "resources/list" => {
                assert_eq!(said["cursor"], "2 ");
                format!(r#"{{"resources":[{{"uri":"{own}://2","name":"two"}}]}}"#)
            }
            "resources/templates/list" => r#"{"resourceTemplates":[]}"#.to_owned(),
            "resources/read" => {
                format!(
                    r#"{{"contents":[{{"uri":{},"text":"{own}"}}],"resultType":"complete"}}"#,
                    said["uri"]
                )
            }
            "prompts/list" => format!(r#"{{"prompts":[{{"name":"{own}.p"}}]}}"#),
            "prompts/get" if said["name"] == format!("{own}.p") => r#"{"messages":[]}"#.to_owned(),
            "completion/complete" => r#"{"completion":{"values":["v"]}}"#.to_owned(),
            "subscriptions/listen" => {
                let mut updates = self.updates.subscribe();
                call.partial(raw(
                    r#"{"method":"notifications/subscriptions/acknowledged","params":{"notifications":{}}}"#,
                ))
                .await?;
                while let Ok(uri) = updates.recv().await {
                    // Nobody has asked for it, and nobody is told.
                    call.partial(raw(
                        r#"{"method":"notifications/message","params":{"level":"info","data":1}}"#,
                    ))
                    .await?;
                    let note = format!(
                        r#"{{"method":"notifications/resources/updated","params":{{"uri":"{uri}","_meta":{{"io.modelcontextprotocol/subscriptionId":1}}}}}}"#
                    );
                    call.partial(raw(&note)).await?;
                }
                "{}".to_owned()
            }
            _ => return Err(Failure::new(backend::ErrorCode::NotFound, "no such thing")),
        };
        Ok(raw(&answer))
    }

    /// Tells whoever listens that a resource has changed, once somebody does.
    pub(crate) fn update(&self, uri: &str) {
        tests::until("somebody to listen to the server", || {
            self.updates.send(uri.to_owned()).ok().map(|_| ())
        });
    }
}
