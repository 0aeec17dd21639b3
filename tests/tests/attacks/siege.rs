//! Thousands that never finish what they begin. `cargo xtask siege` holds twice ten thousand for a minute.

use std::time::Duration;
use tests::{Process, Siege};

use crate::MCPW;

#[test]
fn siege_lets_honest_clients_in_within_50_ms() {
    let process = Process::start(MCPW, |config| config.log.level = "info".to_owned());
    let figures = Siege { each: 4_000, hold: Duration::from_secs(12) }.lay(&process, process.usage());
    assert!(figures.honest.len() >= 20, "{figures:?}");
    assert!(figures.median() < Duration::from_millis(50), "{figures:?}");
    assert!(figures.returns > 0 && figures.held > 6_000, "{figures:?}");
    assert!(figures.is_forgotten(), "{figures:?}");
}
