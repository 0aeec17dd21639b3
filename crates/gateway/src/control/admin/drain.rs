//! `POST /health/drain`: the way out, as SIGTERM begins it.

use super::Admin;
use super::answer::{Answer, text};
use super::asked::Asked;
use crate::audit::{Entry, Event};
use hyper::StatusCode;

/// Begins it.
pub(super) fn begin(admin: &Admin, asked: &Asked) -> Answer {
    // A drain that is asked for twice is one drain.
    let _ = admin.drain.try_send(());
    admin.pod.audit.tell(|| Entry::new(Event::Drain).address(asked.address));
    text(StatusCode::ACCEPTED, "draining\n")
}
