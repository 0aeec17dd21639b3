//! Several gateways that share a Redis, in this process or in processes of their own.

use crate::{Gateway, Keys, Process, Redis};
use gateway::Config;
use gateway::config::StoreKind;

/// A Redis, and how gateways that share it are configured.
#[derive(Debug)]
pub struct Pods {
    /// What they share.
    pub redis: Redis,
    keys: Keys,
}

impl Pods {
    /// A Redis that no gateway uses yet.
    pub fn new() -> Self {
        Self { redis: Redis::start(), keys: Keys::fresh() }
    }

    /// The settings of a pod.
    pub fn configure(&self, config: &mut Config) {
        config.store.kind = StoreKind::Redis;
        config.store.redis.addresses = vec![self.redis.address()];
        config.store.redis.check_interval_ms = 500;
        config.pod.lease_ms = 1_000;
    }

    /// A gateway in this process.
    pub fn pod(&self) -> Gateway {
        self.pod_with(|_| {})
    }

    /// A gateway in this process with other settings.
    pub fn pod_with(&self, configure: impl FnOnce(&mut Config)) -> Gateway {
        Gateway::with_keys(self.keys.clone(), |config| {
            self.configure(config);
            configure(config);
        })
    }

    /// A gateway in a process of its own.
    pub fn process(&self, binary: &str) -> Process {
        Process::with_keys(binary, self.keys.clone(), |config| self.configure(config))
    }

    /// As [`Self::process`], by a command that becomes the binary.
    pub fn process_through(&self, command: &[&str], binary: &str) -> Process {
        Process::through_with_keys(command, binary, self.keys.clone(), |config| self.configure(config))
    }
}

impl Default for Pods {
    fn default() -> Self {
        Self::new()
    }
}
