//! `sleep`: takes its time, says how far it is, and can be cancelled.
use std::time::Duration;

use backend::{Call, Failure, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::work::Unfinished;

const MAX_MS: u64 = 600_000;
const STEP: Duration = Duration::from_millis(100);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Milliseconds to sleep, up to 600,000.
    ms: u64,
}

#[derive(Serialize, JsonSchema)]
struct Slept {
    slept_ms: u64,
}

pub(crate) fn tool() -> Tool {
    Tool::new("sleep", |call: Call, args: Args| async move {
        if args.ms > MAX_MS {
            return Err(Failure::invalid_params(format!("ms: use 0 to {MAX_MS}")));
        }
        let unfinished = Unfinished::new(&call);
        let start = Instant::now();
        tokio::select! {
            biased;
            () = sleep_until(start + Duration::from_millis(args.ms)) => {}
            () = report(&call, start, args.ms) => {}
        }
        unfinished.finish();
        Ok(Slept { slept_ms: milliseconds(start.elapsed()) })
    })
    .description("Sleeps, with progress every 100 ms. Cancelling it wakes it.")
    .read_only()
    .idempotent()
    .timeout(Duration::from_millis(MAX_MS + 10_000))
}

/// Never ends.
async fn report(call: &Call, start: Instant, total: u64) {
    let mut steps = interval_at(start + STEP, STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        steps.tick().await;
        call.progress(milliseconds(start.elapsed()) as f64, total as f64, "").await;
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
