//! The way out: `POST /health/drain` and `POST /admin/v1/drain` begin it as SIGTERM does, and `GET /admin/v1/drain` says how
//! far it is.

use super::Admin;
use super::answer::{Answer, json, text};
use super::asked::Asked;
use crate::audit::Event;
use hyper::StatusCode;
use serde::Serialize;

/// How far it is.
#[derive(Serialize)]
struct Progress {
    /// `serving`, `delay`, `migrating`, `closing` or `over`.
    state: &'static str,
    /// Connections that are still open.
    connections: usize,
}

/// Begins it, for whoever reads text.
pub(super) fn begin(admin: &Admin, asked: &Asked) -> Answer {
    ask(admin, asked);
    text(StatusCode::ACCEPTED, "draining\n")
}

/// Begins it, and says how far it is.
pub(super) fn begin_told(admin: &Admin, asked: &Asked) -> Answer {
    ask(admin, asked);
    json(StatusCode::ACCEPTED, &progress(admin))
}

/// Says how far it is.
pub(super) fn show(admin: &Admin) -> Answer {
    json(StatusCode::OK, &progress(admin))
}

fn ask(admin: &Admin, asked: &Asked) {
    // A drain that is asked for twice is one drain.
    let _ = admin.drain.try_send(());
    admin.pod.audit.tell(|| asked.caller.entry(Event::Drain));
}

fn progress(admin: &Admin) -> Progress {
    Progress { state: admin.pod.way().name(), connections: admin.pod.connections() }
}
