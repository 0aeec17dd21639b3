//! `/admin/v1/log-level`: from which level on lines are logged, and for how long another one.

use super::Admin;
use super::answer::{Answer, Refused, json};
use super::asked::Asked;
use crate::reload::Order;
use hyper::StatusCode;
use serde::Deserialize;
use std::time::Duration;

/// The longest time for which a level can be asked, in seconds: a week.
const LONGEST_S: u64 = 7 * 86_400;

/// What is to be logged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    level: String,
    /// For so many seconds; none: until the settings are read again.
    for_s: Option<u64>,
}

/// What is logged now.
///
/// # Errors
/// The gateway ends.
pub(super) async fn show(admin: &Admin) -> Result<Answer, Refused> {
    let level = admin.reload.order(Order::ShowLevel).await;
    let level = level.map_err(|reason| Refused::new(StatusCode::SERVICE_UNAVAILABLE, reason))?;
    Ok(json(StatusCode::OK, &level))
}

/// Logs from another level on.
///
/// # Errors
/// It is none, or the log is not the gateway's.
pub(super) async fn set(admin: &Admin, asked: Asked) -> Result<Answer, Refused> {
    let by = asked.caller.by();
    let Wanted { level, for_s } = Asked::json(asked.body).await?;
    if !for_s.is_none_or(|seconds| (1..=LONGEST_S).contains(&seconds)) {
        return Err(Refused::wrong(format!("for_s must be 1 to {LONGEST_S} seconds (a week)")));
    }
    let lasts = for_s.map(Duration::from_secs);
    let set = admin.reload.order(|answer| Order::Level(by, level, lasts, answer)).await;
    Ok(json(StatusCode::OK, &set.map_err(Refused::wrong)?))
}
