//! `/admin/v1/backends`: the replicas that this pod knows, and those that it waits for.

use super::Admin;
use super::answer::{Answer, Refused, json};
use super::asked::Asked;
use crate::control::configured::CONFIGURED;
use hyper::StatusCode;
use router::{Condition, Seen};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    backend: Option<String>,
}

#[derive(Serialize)]
struct List {
    backends: Vec<Backend>,
}

/// A replica as operators see it.
#[derive(Serialize)]
struct Backend {
    /// Null for one that has never answered.
    backend: Option<String>,
    instance: String,
    address: String,
    /// `configured` or `registered`.
    source: &'static str,
    /// Since when this pod knows it; null for one that does not answer.
    since: Option<String>,
    /// `up` where all shards reach it, `partly` where some do, else `down`.
    state: &'static str,
    /// Shards that have ejected it for failures in a row.
    ejected_by: usize,
    /// Shards that reach it, of all.
    reached_by: usize,
    shards: usize,
    calls_in_flight: usize,
    tools: Vec<String>,
    methods: Vec<String>,
}

/// Lists them.
///
/// # Errors
/// A query that is none, or a shard that is too busy.
pub(super) async fn list(admin: &Admin, asked: &Asked) -> Result<Answer, Refused> {
    let wanted = asked.query::<Query>()?.backend;
    let seen = admin.shards.replicas().await?;
    let listed = admin.backends.listed();
    let known = listed.iter().map(|(replica, since)| {
        let views: Vec<&Seen> =
            seen.iter().flatten().filter(|view| view.replica.instance == replica.instance).collect();
        let reached_by = views.iter().filter(|view| view.state == "up").count();
        let description = &replica.description;
        Backend {
            backend: Some(replica.backend().to_owned()),
            instance: replica.instance.clone(),
            address: replica.address.clone(),
            source: if replica.instance.starts_with(CONFIGURED) { "configured" } else { "registered" },
            since: since.map(|since| format!("{since:.3}")),
            state: match reached_by {
                0 => "down",
                all if all == admin.shards.count() => "up",
                _ => "partly",
            },
            ejected_by: views.iter().filter(|view| view.condition == Condition::Ejected).count(),
            reached_by,
            shards: admin.shards.count(),
            calls_in_flight: views.iter().map(|view| view.in_flight).sum(),
            tools: description.tools.iter().map(|tool| tool.name.clone()).collect(),
            methods: description.methods.iter().map(|method| method.pattern.clone()).collect(),
        }
    });
    let is_known = |address: &String| {
        listed.iter().any(|(replica, _)| {
            replica.instance.strip_prefix(CONFIGURED).is_some_and(|known| known == address)
        })
    };
    let configured = admin.config.backends.iter().filter_map(|address| router::normalise(address).ok());
    let awaited = configured.filter(|address| !is_known(address)).map(|address| Backend {
        backend: None,
        instance: format!("{CONFIGURED}{address}"),
        address,
        source: "configured",
        since: None,
        state: "down",
        ejected_by: 0,
        reached_by: 0,
        shards: admin.shards.count(),
        calls_in_flight: 0,
        tools: Vec::new(),
        methods: Vec::new(),
    });
    let fits = |backend: &Backend| wanted.is_none() || backend.backend == wanted;
    let backends = known.chain(awaited).filter(fits).collect();
    Ok(json(StatusCode::OK, &List { backends }))
}
