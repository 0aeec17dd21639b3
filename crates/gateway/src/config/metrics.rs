//! Settings of what is counted.

use super::ConfigError;
use ::metrics::catalogue::Bounds;
use serde::{Deserialize, Serialize};

settings! {
    /// What is counted by names that backends choose.
    Metrics {
        /// Tools that are counted each by its name, in the order in which they are registered; the others together, as `other`.
        max_tools: usize = Bounds::TOOLS,
        /// Backends that are counted each by its name; the others together, as `other`.
        max_backends: usize = Bounds::BACKENDS,
    }
}

impl Metrics {
    /// More names than a scraper should be given.
    const MOST: usize = 10_000;

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, value) in
            [("metrics.max_tools", self.max_tools), ("metrics.max_backends", self.max_backends)]
        {
            if value > Self::MOST {
                return Err(ConfigError::value(key, value, &format!("{} or less", Self::MOST)));
            }
        }
        Ok(())
    }

    /// What bounds the time series of a pod of so many shards.
    pub(crate) const fn bounds(&self, shards: usize) -> Bounds {
        Bounds { shards, tools: self.max_tools, backends: self.max_backends }
    }
}
