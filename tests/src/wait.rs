//! How long anything may take, and waiting for what cannot wake us.

use std::thread;
use std::time::{Duration, Instant};

/// After this long a test has failed, whatever it waits for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Asks again and again until there is an answer.
///
/// # Panics
/// There is none within [`PATIENCE`]; says what was awaited.
pub fn until<T>(awaited: &str, ask: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, awaited, ask)
}

/// As [`until`], for what may take longer.
///
/// # Panics
/// There is no answer within this time; says what was awaited.
pub fn until_within<T>(limit: Duration, awaited: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} for {awaited}");
        thread::sleep(Duration::from_millis(2));
    }
}
