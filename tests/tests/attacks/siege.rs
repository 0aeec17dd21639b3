//! Thousands that never finish what they begin. `cargo xtask siege` holds twice ten thousand for a minute.

use std::time::Duration;
use tests::{Process, Siege};

use crate::MCPW;

#[test]
fn siege_lets_honest_clients_in_within_50_ms() {
    let process = Process::start(MCPW, |config| {
        config.log.level = "info".to_owned();
        // So that some are cut, and come again, before it is over.
        config.websocket.handshake_timeout_ms = 5_000;
        config.websocket.message_timeout_ms = 5_000;
        config.websocket.close_timeout_ms = 500;
    });
    let siege = Siege { each: 4_000, hold: Duration::from_secs(6) };
    let figures = siege.lay(&process, process.usage());
    assert!(figures.honest.len() >= 20, "{figures:?}");
    assert!(figures.median() < Duration::from_millis(50), "{figures:?}");
    assert!(figures.returns > 0 && figures.held > 7_000, "{figures:?}");
    let [before, _, after] = figures.memory;
    assert!(after < before + 16 * 1024 * 1024, "{figures:?}");
}
