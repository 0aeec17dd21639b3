//! The methods that the gateway answers itself. They answer in the order sent.

use super::params::{Mistake, Params};
use super::{Close, Exchange, Session};
use protocol::{CloseCode, ErrorCode, Message};
use serde::Serialize;

/// The answer to `initialize`.
#[derive(Serialize)]
struct Initialized<'a> {
    session_id: uuid::Uuid,
    /// Whether the session can be resumed on another connection.
    resumable: bool,
    resumed: bool,
    recovered: bool,
    server: Server,
    tenant: &'a str,
    agent: &'a str,
    compression: &'a [&'a str],
    limits: Limits,
    resume_window_ms: u64,
    heartbeat_ms: u64,
}

#[derive(Serialize)]
struct Server {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Limits {
    max_message_size: usize,
    max_frame_size: usize,
    message_batch_size: usize,
    max_in_flight: usize,
    max_json_depth: usize,
    max_timeout_ms: u64,
    compression_threshold: usize,
}

impl Session {
    pub(super) fn initialize(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        match self.try_initialize(request, exchange) {
            Ok(result) => exchange.answer(request, &result),
            Err((code, message)) => exchange.refuse(request, code, &message),
        }
    }

    fn try_initialize(
        &mut self,
        request: &Message<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Result<Vec<u8>, (ErrorCode, Mistake)> {
        let wrong = |mistake| (ErrorCode::InvalidParams, mistake);
        let params = Params::of(request.body).map_err(wrong)?;
        if self.initialized {
            return Err(wrong("this connection is initialized already: initialize comes once".into()));
        }
        let config = &exchange.shard.config;
        let compression = params.texts("compression").map_err(wrong)?;
        let deflate = config.compression.enabled && compression.iter().any(|name| name == "deflate");
        if let Some(token) = params.text("token").map_err(wrong)? {
            self.replace_identity(&token, exchange)
                .map_err(|refused| (ErrorCode::AuthenticationFailed, refused))?;
        }
        let websocket = &config.websocket;
        let result = serde_json::to_vec(&Initialized {
            session_id: self.id,
            resumable: false,
            resumed: false,
            recovered: false,
            server: Server { name: "mcpw", version: env!("CARGO_PKG_VERSION") },
            tenant: self.identity.tenant(),
            agent: self.identity.agent(),
            compression: if deflate { &["deflate"] } else { &[] },
            limits: Limits {
                max_message_size: websocket.max_message_size,
                max_frame_size: websocket.max_frame_size,
                message_batch_size: websocket.message_batch_size,
                max_in_flight: websocket.max_in_flight,
                max_json_depth: websocket.max_json_depth,
                max_timeout_ms: config.router.max_timeout_ms,
                compression_threshold: config.compression.threshold,
            },
            resume_window_ms: 0,
            heartbeat_ms: websocket.ping_interval_ms,
        })
        .map_err(|error| (ErrorCode::Internal, Mistake::Owned(error.to_string())))?;
        self.initialized = true;
        if deflate {
            self.deflate = true;
            exchange.enable_deflate();
        }
        tracing::debug!(
            connection = exchange.peer.id(),
            session = %self.id,
            tenant = self.identity.tenant(),
            agent = self.identity.agent(),
            client = params.raw("client"),
            "initialized"
        );
        Ok(result)
    }

    /// A fresh token for the same tenant and agent.
    pub(super) fn refresh(
        &mut self,
        request: &Message<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Close> {
        let token = match Params::of(request.body).and_then(|params| params.required_text("token")) {
            Ok(token) => token,
            Err(mistake) => {
                exchange.refuse(request, ErrorCode::InvalidParams, &mistake);
                return Ok(());
            }
        };
        match self.replace_identity(&token, exchange) {
            Ok(()) => {
                let expires_at =
                    self.identity.expires_at().map_or_else(|| "null".to_owned(), |at| at.to_string());
                exchange.answer(request, format!("{{\"expires_at\":{expires_at}}}").as_bytes());
            }
            Err(mistake) => exchange.refuse(request, ErrorCode::AuthenticationFailed, &mistake),
        }
        if self.expiry <= exchange.shard.now() {
            return Err(Close::new(CloseCode::Unauthorized, "the token has expired"));
        }
        Ok(())
    }

    fn replace_identity(&mut self, token: &str, exchange: &Exchange<'_>) -> Result<(), Mistake> {
        let identity = exchange
            .shard
            .verifier
            .verify(token)
            .map_err(|refusal| Mistake::Owned(format!("the token was refused: {refusal}")))?;
        if !identity.is_same_holder(&self.identity) {
            return Err("the token is another tenant's or agent's: open a connection of its own".into());
        }
        self.expiry = Self::expiry_of(&identity, exchange.shard);
        self.identity = identity;
        if let Some(calls) = &mut self.calls {
            calls.replace_identity(&self.identity, self.id);
        }
        Ok(())
    }

    /// The tools whose scopes the caller has, by name.
    pub(super) fn list_tools(&self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let prefix = match Params::of(request.body).and_then(|params| params.text("prefix")) {
            Ok(prefix) => prefix.unwrap_or_default(),
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let table = exchange.shard.router.table();
        let mut result = b"{\"tools\":[".to_vec();
        let mut first = true;
        for tool in table.tools() {
            if tool.name.starts_with(&prefix) && self.may_call(&tool.scopes) {
                if !first {
                    result.push(b',');
                }
                first = false;
                result.extend_from_slice(&tool.listing);
            }
        }
        result.extend_from_slice(b"]}");
        exchange.answer(request, &result);
    }

    pub(super) fn may_call(&self, scopes: &[String]) -> bool {
        scopes.iter().all(|scope| self.identity.has_scope(scope))
    }
}
