//! `/health/live` and `/health/ready`: what probes and load balancers ask.

use super::Admin;
use super::answer::{Answer, text};
use hyper::StatusCode;

/// It answers, so it lives.
pub(super) fn live() -> Answer {
    text(StatusCode::OK, "live\n")
}

/// Whether clients are to be sent here.
pub(super) fn ready(admin: &Admin) -> Answer {
    if admin.pod.is_draining() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if admin.needed.as_ref().is_some_and(|store| !store.borrow().is_up()) {
        let reason = "the store is out of reach: no session can be resumed here\n";
        return text(StatusCode::SERVICE_UNAVAILABLE, reason);
    }
    text(StatusCode::OK, "ready\n")
}
