//! `/metrics`: what scrapers ask.

use super::Admin;
use super::answer::{Answer, typed};
use super::asked::Asked;
use hyper::StatusCode;
use metrics::Format;

/// All instruments as text, in the form that is preferred.
pub(super) fn text(admin: &Admin, asked: &Asked) -> Answer {
    let format = Format::preferred(&asked.accept);
    typed(StatusCode::OK, admin.exposition.text(format), format.content_type())
}
