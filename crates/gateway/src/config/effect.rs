//! When a changed setting takes effect. This table is the only place that says so: a reload goes by it, and
//! docs/configuration.md is made of it.

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once, for connections that are there too.
    Now,
    /// At once, for connections that come from then on, and for requests of the REST API.
    Next,
    /// When the process is started anew.
    Restart,
}

use Effect::{Next, Now, Restart};

/// Keys, and tables for all keys in them of which nothing else is said.
const EFFECTS: &[(&str, Effect)] = &[
    ("websocket", Now),
    ("websocket.listen", Restart),
    ("websocket.path", Next),
    ("websocket.echo_path", Next),
    ("websocket.max_connections", Next),
    ("websocket.max_connections_per_ip", Next),
    ("websocket.max_connections_per_user", Next),
    ("websocket.max_handshakes", Next),
    ("websocket.max_handshakes_per_ip", Next),
    ("websocket.handshake_burst_per_ip", Next),
    ("websocket.handshake_timeout_ms", Next),
    ("websocket.max_header_bytes", Next),
    ("websocket.max_headers", Next),
    ("tls", Restart),
    ("tls.client_must_match_token", Next),
    ("compression.enabled", Next),
    ("compression.threshold", Now),
    ("auth", Next),
    ("auth.revocation_ttl_ms", Restart),
    ("authorization", Now),
    ("router", Restart),
    ("router.default_timeout_ms", Now),
    ("router.max_timeout_ms", Now),
    ("router.max_calls_per_replica", Now),
    ("router.eject_after", Now),
    ("router.eject_for_ms", Now),
    ("router.eject_for_max_ms", Now),
    ("router.retry_ratio", Now),
    ("router.retry_min_per_second", Now),
    ("router.retry_jitter_ms", Now),
    ("store", Restart),
    ("session", Now),
    ("events", Now),
    ("events.shard_log_bytes", Restart),
    ("security", Next),
    ("security.hmac_signatures", Restart),
    ("limits", Now),
    ("rest", Now),
    ("mcp", Now),
    ("pod", Restart),
    ("registry", Restart),
    ("backends", Now),
    ("context", Restart),
    ("bridge", Restart),
    ("admin", Restart),
    ("metrics", Restart),
    ("drain", Now),
    ("runtime", Restart),
    ("traces", Restart),
    ("log.level", Now),
    ("log.format", Restart),
    ("audit", Restart),
];

impl Effect {
    /// When a key takes effect. One that the table does not know waits for a restart.
    pub fn of(key: &str) -> Self {
        entry(key).map_or(Restart, |(_, effect)| effect)
    }

    /// In words, as the documentation has it.
    pub const fn words(self) -> &'static str {
        match self {
            Now => "at once",
            Next => "new connections",
            Restart => "restart",
        }
    }
}

/// What the table says of a key: of itself, or of the nearest table that it is in.
fn entry(key: &str) -> Option<(&'static str, Effect)> {
    let own = EFFECTS.iter().find(|(known, _)| *known == key).copied();
    own.or_else(|| entry(key.rsplit_once('.')?.0))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::loaded::{dict, leaves};
    use super::*;

    #[test]
    fn every_key_has_its_place_in_the_table_and_every_place_has_a_key() {
        let keys = leaves(&dict(&Config::default()).unwrap());
        let untold: Vec<_> = keys.iter().filter(|key| entry(key).is_none()).collect();
        assert!(untold.is_empty(), "EFFECTS has to say when these take effect: {untold:?}");
        for (place, _) in EFFECTS {
            let is_used = keys.iter().any(|key| entry(key).is_some_and(|(found, _)| found == *place));
            assert!(is_used, "{place} is no key");
        }
    }
}
