//! `/admin/v1/pod`: this process.

use super::Admin;
use super::answer::{Answer, json};
use hyper::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct Pod<'a> {
    id: &'a str,
    version: &'static str,
    started: String,
    uptime_s: i64,
    shards: usize,
    state: &'static str,
    /// `memory` or `redis`.
    store: crate::config::StoreKind,
    store_up: bool,
    /// Open connections, those of the REST API too.
    connections: usize,
    max_connections: usize,
    backends: usize,
    tools: usize,
    tails: usize,
}

/// Shows it.
pub(super) fn show(admin: &Admin) -> Answer {
    let settings = &admin.config;
    let pod = Pod {
        id: admin.pod.id.as_str(),
        version: env!("CARGO_PKG_VERSION"),
        started: format!("{:.3}", admin.started),
        uptime_s: Timestamp::now().duration_since(admin.started).as_secs(),
        shards: admin.shards.count(),
        state: admin.pod.way().name(),
        store: settings.store.kind,
        store_up: admin.store.availability().borrow().is_up(),
        connections: admin.pod.connections(),
        max_connections: settings.websocket.max_connections,
        backends: admin.backends.listed().len(),
        tools: admin.backends.tables().borrow().tools().len(),
        tails: settings.admin.max_tails - admin.tails.available_permits(),
    };
    json(StatusCode::OK, &pod)
}
