//! `/metrics`: what scrapers ask.

use super::Admin;
use super::answer::{Answer, typed};
use hyper::StatusCode;
use metrics::Exposition;

/// All instruments as text.
pub(super) fn text(admin: &Admin) -> Answer {
    typed(StatusCode::OK, admin.exposition.text(), Exposition::CONTENT_TYPE)
}
