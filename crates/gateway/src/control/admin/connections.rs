//! `/admin/v1/connections`: the WebSockets of this pod.

use super::Admin;
use super::answer::{Answer, Refused, json};
use super::asked::Asked;
use super::pages::Query;
use crate::audit::Event;
use crate::inquiry::{Errand, Report, Whom};
use hyper::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use std::net::IpAddr;
use uuid::Uuid;

#[derive(Serialize)]
struct List {
    connections: Vec<Connection>,
    /// Where the list goes on; null at its end.
    cursor: Option<String>,
}

/// A connection as operators see it.
#[derive(Serialize)]
struct Connection {
    id: u64,
    address: Option<IpAddr>,
    tenant: Box<str>,
    agent: Box<str>,
    session: Uuid,
    protocol: &'static str,
    tls: bool,
    since: String,
    state: &'static str,
    bytes_received: u64,
    bytes_sent: u64,
    messages_received: u64,
    unsent_bytes: usize,
    calls_in_flight: usize,
    subscriptions: usize,
    lag: u64,
}

/// Lists them.
///
/// # Errors
/// A query that is none, or a shard that is too busy.
pub(super) async fn list(admin: &Admin, asked: &Asked) -> Result<Answer, Refused> {
    let (filter, cursor, limit) = asked.query::<Query>()?.read(false)?;
    let (reports, next) = admin.shards.connections(filter, cursor, limit).await?;
    let connections = reports.into_iter().map(Connection::of).collect();
    Ok(json(StatusCode::OK, &List { connections, cursor: next.map(|cursor| cursor.to_string()) }))
}

/// Closes one; its session can be resumed.
///
/// # Errors
/// 404 if there is none of this id.
pub(super) async fn close(admin: &Admin, asked: &Asked) -> Result<Answer, Refused> {
    let id = asked.id.parse().map_err(|_| Refused::wrong("the id of a connection is a number"))?;
    let closed = admin.shards.one(Whom::Connection(id), Errand::Close).await?;
    let report = closed.ok_or_else(|| missing(id))?;
    admin.pod.audit.tell(|| {
        let entry = asked.caller.entry(Event::ConnectionClosed).connection(id).session(report.session);
        entry.subject(Some(&report.tenant), Some(&report.agent), None)
    });
    tracing::info!(connection = id, operator = asked.caller.name(), "closed by an operator");
    Ok(json(StatusCode::OK, &serde_json::json!({"closed": id, "session": report.session})))
}

fn missing(id: u64) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("this pod has no connection {id}"))
}

impl Connection {
    fn of(report: Report) -> Self {
        Self {
            id: report.connection,
            address: report.address,
            since: since(&report),
            tenant: report.tenant,
            agent: report.agent,
            session: report.session,
            protocol: report.protocol,
            tls: report.tls,
            state: report.state,
            bytes_received: report.bytes_received,
            bytes_sent: report.bytes_sent,
            messages_received: report.messages_received,
            unsent_bytes: report.unsent,
            calls_in_flight: report.calls_in_flight,
            subscriptions: report.subscriptions.len(),
            lag: report.lag,
        }
    }
}

/// When it was upgraded, to a tenth of a second.
pub(super) fn since(report: &Report) -> String {
    let age = jiff::SignedDuration::try_from(report.age).unwrap_or_default();
    format!("{:.1}", Timestamp::now().checked_sub(age).unwrap_or_default())
}
