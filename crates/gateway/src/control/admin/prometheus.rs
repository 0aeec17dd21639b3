//! `/metrics`: what scrapers ask.

use super::Admin;
use super::answer::{Answer, typed};
use crate::survey::survey;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap};
use metrics::Format;

/// All instruments as text, in the form that is asked for.
pub(super) async fn text(admin: &Admin, headers: &HeaderMap) -> Answer {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::preferred(&accepted.collect::<Vec<_>>().join(","));
    survey(&admin.pod, admin.shards.ways()).await;
    typed(StatusCode::OK, admin.exposition.text(format), format.content_type())
}
