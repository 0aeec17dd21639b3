//! `time.now`: the clock of the machine.
use backend::{Call, Failure, Tool};
use jiff::Timestamp;
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// `UTC`, or an offset from it such as `+02:00`. Default `UTC`.
    timezone: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Now {
    /// In RFC 3339.
    time: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    unix_ms: i64,
}

pub(crate) fn tool() -> Tool {
    Tool::new("time.now", |_: Call, args: Args| async move {
        let now = Timestamp::now();
        let time = match args.timezone.as_deref() {
            None | Some("UTC" | "Z") => now.to_string(),
            Some(timezone) => {
                let offset = offset(timezone).ok_or_else(|| {
                    Failure::invalid_params(format!(
                        "timezone: {timezone:?} is unknown; use UTC, or an offset such as +02:00"
                    ))
                })?;
                now.display_with_offset(offset).to_string()
            }
        };
        Ok(Now { time, unix_ms: now.as_millisecond() })
    })
    .description("Tells the current time in RFC 3339, in UTC or at an offset from it.")
    .read_only()
    .idempotent()
}

/// `+hh:mm` or `-hh:mm`, up to 23:59.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, below: i32| -> Option<i32> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &i32| digits && *number < below)
    };
    Offset::from_seconds(sign * (number(hours, 24)? * 3600 + number(minutes, 60)? * 60)).ok()
}
