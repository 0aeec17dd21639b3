//! The server: what it can do, and who of this house answers which method.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    CompletionInfo, ErrorData, GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, RequestStateCodec, ServerCapabilities, ServerInfo,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext, SubscriptionSink};

use crate::{asking, prompts, resources, rounds, tools};

/// How long lists and resources are good for.
const TTL_MS: u64 = 60_000;

/// What it keeps between requests.
pub(crate) struct Server {
    /// Seals what a client is given to bring along again.
    pub(crate) seal: RequestStateCodec,
    /// From which level up a session wants to be told; those without say it in each request.
    level: Mutex<LoggingLevel>,
    /// Whether the tool that comes and goes is here.
    tool: AtomicBool,
    /// The same of the prompt.
    prompt: AtomicBool,
    /// Who listens for news, by a number of their own.
    listeners: Mutex<HashMap<u64, SubscriptionSink>>,
    next: AtomicU64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            seal: RequestStateCodec::new(*b"what a client brings along again"),
            level: Mutex::new(LoggingLevel::Debug),
            tool: AtomicBool::default(),
            prompt: AtomicBool::default(),
            listeners: Mutex::default(),
            next: AtomicU64::default(),
        }
    }
}

/// Which list has changed.
#[derive(Clone, Copy)]
pub(crate) enum Changed {
    Tools,
    Prompts,
}

impl Server {
    /// From which level up this request's client wants to be told, if at all.
    pub(crate) fn level(&self, context: &RequestContext<RoleServer>) -> Option<LoggingLevel> {
        if asking::has_session(context) {
            return Some(*self.level.lock().unwrap_or_else(PoisonError::into_inner));
        }
        context.meta.log_level()
    }

    /// Brings what comes and goes of a list, or takes it away, and tells all who listen.
    pub(crate) async fn change(&self, list: Changed, context: &RequestContext<RoleServer>) {
        let here = match list {
            Changed::Tools => &self.tool,
            Changed::Prompts => &self.prompt,
        };
        here.fetch_not(Ordering::Relaxed);
        if asking::has_session(context) {
            // A peer that has gone hears nothing.
            let _ = match list {
                Changed::Tools => context.peer.notify_tool_list_changed().await,
                Changed::Prompts => context.peer.notify_prompt_list_changed().await,
            };
            return;
        }
        let listeners: Vec<_> =
            self.listeners.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for listener in listeners {
            // Who has not asked for this is not told.
            let _ = match list {
                Changed::Tools => listener.notify_tool_list_changed().await,
                Changed::Prompts => listener.notify_prompt_list_changed().await,
            };
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerInfo {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerInfo::new(capabilities).with_server_info(Implementation::new("conformance-server", "0.1.0"))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut result = ListToolsResult::default().with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public);
        result.tools = tools::list(self.tool.load(Ordering::Relaxed))?;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name.starts_with(rounds::PREFIX) {
            return rounds::call(self, &request, &context).await;
        }
        tools::call(self, &request, &context).await
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut result =
            ListResourcesResult::default().with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public);
        result.resources = resources::list();
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut result =
            ListResourceTemplatesResult::default().with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public);
        result.resource_templates = resources::templates();
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let result = resources::read(&request.uri)?;
        Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public).into())
    }

    async fn subscribe(
        &self,
        _request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let listeners = || self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners().insert(number, context.sink().clone());
        context.cancelled().await;
        listeners().remove(&number);
        Ok(())
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut result =
            ListPromptsResult::default().with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public);
        result.prompts = prompts::list(self.prompt.load(Ordering::Relaxed));
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(request, &context).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let all = ["paris", "park", "party"];
        let values =
            all.into_iter().filter(|one| one.starts_with(&request.argument.value)).map(str::to_owned);
        let values = CompletionInfo::new(values.collect());
        Ok(CompleteResult::new(values.map_err(|error| ErrorData::internal_error(error, None))?))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = request.level;
        Ok(())
    }
}
