//! How the contract gets at a store in Redis: two pods, a prefix of their own, and no key without a TTL.
use session_store::{Bounds, Mode, PodId, RedisStore, Settings};

use crate::contract;
use crate::servers::Server;

pub(crate) struct Redis<'a> {
    pub(crate) settings: Settings,
    /// The servers that may hold keys.
    pub(crate) servers: Vec<&'a Server>,
}

impl<'a> Redis<'a> {
    pub(crate) fn new(mode: Mode, addresses: Vec<String>, servers: Vec<&'a Server>) -> Self {
        let settings = Settings {
            mode,
            addresses,
            key_prefix: format!("test-{}", uuid::Uuid::now_v7().simple()),
            command_timeout_ms: 5_000,
            connect_timeout_ms: 5_000,
            ..Settings::default()
        };
        Self { settings, servers }
    }

    pub(crate) async fn connect(&self, bounds: Bounds) -> RedisStore {
        let store = RedisStore::connect(&self.settings, bounds, PodId::fresh())
            .await
            .expect("the settings are right");
        let mut availability = store.availability();
        contract::soon("redis is up", availability.wait_for(|now| now.is_up()))
            .await
            .expect("the store lives");
        store
    }
}

impl contract::Mount for Redis<'_> {
    type Store = RedisStore;

    async fn pods(&self, bounds: Bounds) -> (RedisStore, RedisStore) {
        (self.connect(bounds.clone()).await, self.connect(bounds).await)
    }

    async fn after(&self) {
        let pattern = format!("{}*", self.settings.key_prefix);
        let mut keys = 0;
        for server in &self.servers {
            let listed = server.cli_args(&["--scan", "--pattern", &pattern]);
            for key in listed.lines() {
                keys += 1;
                let ttl = server.cli_args(&["PTTL", key]);
                assert_ne!(ttl.trim(), "-1", "{key} has no TTL");
            }
        }
        assert!(keys > 0, "the directory has keys of its own, at least");
    }
}
