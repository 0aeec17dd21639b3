//! `GET /admin/v1/config` and `POST /admin/v1/reload`: what is in force, and what another reading of it changes.

use super::Admin;
use super::answer::{Answer, Refused, json};
use super::asked::Asked;
use crate::reload::Order;
use hyper::StatusCode;

/// Every setting with its source, without secrets.
///
/// # Errors
/// The gateway ends.
pub(super) async fn show(admin: &Admin) -> Result<Answer, Refused> {
    let shown = admin.reload.order(Order::Show).await;
    let shown = shown.map_err(|reason| Refused::new(StatusCode::SERVICE_UNAVAILABLE, reason))?;
    Ok(json(StatusCode::OK, &shown))
}

/// Reads the settings again. Answers once what may change is in force.
///
/// # Errors
/// What is wrong with them. Then nothing has changed.
pub(super) async fn reload(admin: &Admin, asked: Asked) -> Result<Answer, Refused> {
    let changed = admin.reload.reload(asked.caller.by()).await;
    let change = changed.map_err(|reason| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    Ok(json(StatusCode::OK, &change))
}
