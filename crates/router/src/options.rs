//! What an operator can set, as plain data. Every default stands here and nowhere else.
use std::time::Duration;

use serde::{Deserialize, Serialize};
use transport::ClientFiles;

/// How the router dials, bounds and judges backends. Bounds that name no scope hold for each shard.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How long a dial may take, TCP and HTTP/2 together. Milliseconds, default 2,000.
    pub connect_timeout_ms: u64,
    /// Deadline of a call where neither the caller nor the handler names one. Milliseconds, default 30,000.
    pub default_timeout_ms: u64,
    /// No call may ask for more. Milliseconds, default 600,000.
    pub max_timeout_ms: u64,
    /// Calls in flight at one replica; more are refused as overloaded. Default 1,024.
    pub max_calls_per_replica: usize,
    /// The largest result, and the largest sum of the partial results and progress of one call.
    /// Bytes, default 8 MiB.
    pub max_result_bytes: usize,
    /// A replica with this many failures in a row gets no new calls for a while. Default 5; 0 never ejects.
    pub eject_after: u32,
    /// How long the first time; doubled each time that the probe after it fails. Milliseconds, default 1,000.
    pub eject_for_ms: u64,
    /// How long at most. Milliseconds, default 30,000.
    pub eject_for_max_ms: u64,
    /// How many retries each call adds to the budget. Default 0.1, so retries add a tenth at most.
    pub retry_ratio: f64,
    /// How many retries a second are allowed however few calls there are. Default 10.
    pub retry_min_per_second: f64,
    /// A retry waits a random time up to this. Milliseconds, default 50.
    pub retry_jitter_ms: u64,
    /// An HTTP/2 ping this often, idle or not, to a backend that takes pings so often; one that says that it takes
    /// none gets none. Milliseconds, default 5,000.
    pub keepalive_ms: u64,
    /// A connection whose ping is not answered within this time is dead. Milliseconds, default 5,000.
    pub keepalive_timeout_ms: u64,
    /// The pause before the first redial; doubled at each further one, with jitter. Milliseconds, default 50.
    pub reconnect_ms: u64,
    /// The longest pause between redials. Milliseconds, default 2,000.
    pub reconnect_max_ms: u64,
    /// How often a backend without gRPC health is asked Describe again. Milliseconds, default 3,000.
    pub describe_ms: u64,
    /// HTTP/2 flow-control windows, of a stream and of a connection. Bytes, default 4 MiB.
    pub window_bytes: u32,
    /// TLS towards backends whose address is `https`.
    pub tls: ClientFiles,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 2_000,
            default_timeout_ms: 30_000,
            max_timeout_ms: 600_000,
            max_calls_per_replica: 1_024,
            max_result_bytes: 8 << 20,
            eject_after: 5,
            eject_for_ms: 1_000,
            eject_for_max_ms: 30_000,
            retry_ratio: 0.1,
            retry_min_per_second: 10.0,
            retry_jitter_ms: 50,
            keepalive_ms: 5_000,
            keepalive_timeout_ms: 5_000,
            reconnect_ms: 50,
            reconnect_max_ms: 2_000,
            describe_ms: 3_000,
            window_bytes: 4 << 20,
            tls: ClientFiles::default(),
        }
    }
}

impl Options {
    /// Says what is wrong with the first value that cannot work, by key and with what would.
    ///
    /// # Errors
    /// The key, without the name of the tree that it stands in, and a sentence about it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let positive = [
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("default_timeout_ms", self.default_timeout_ms),
            ("max_timeout_ms", self.max_timeout_ms),
            ("max_calls_per_replica", self.max_calls_per_replica as u64),
            ("max_result_bytes", self.max_result_bytes as u64),
            ("eject_for_ms", self.eject_for_ms),
            ("keepalive_ms", self.keepalive_ms),
            ("keepalive_timeout_ms", self.keepalive_timeout_ms),
            ("reconnect_ms", self.reconnect_ms),
            ("describe_ms", self.describe_ms),
        ];
        if let Some((key, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err((key, "must be 1 or more".to_owned()));
        }
        let ordered = [
            ("max_timeout_ms", self.max_timeout_ms, "default_timeout_ms", self.default_timeout_ms),
            ("eject_for_max_ms", self.eject_for_max_ms, "eject_for_ms", self.eject_for_ms),
            ("reconnect_max_ms", self.reconnect_max_ms, "reconnect_ms", self.reconnect_ms),
        ];
        for (key, value, least_key, least) in ordered {
            if value < least {
                return Err((key, format!("is {value}, which is less than {least_key} ({least})")));
            }
        }
        if self.max_timeout_ms > u64::from(u32::MAX) {
            return Err(("max_timeout_ms", format!("must be {} or less", u32::MAX)));
        }
        if self.max_result_bytes > 1 << 30 {
            return Err(("max_result_bytes", "must be 1 GiB or less".to_owned()));
        }
        if !(65_535..=1 << 30).contains(&self.window_bytes) {
            return Err(("window_bytes", "must be between 65,535 and 1 GiB".to_owned()));
        }
        for (key, value) in
            [("retry_ratio", self.retry_ratio), ("retry_min_per_second", self.retry_min_per_second)]
        {
            if !value.is_finite() || value < 0.0 {
                return Err((key, "must be a number of 0 or more".to_owned()));
            }
        }
        Ok(())
    }

    /// These, with what may change while connections stand as it is in `others`: how calls are bounded, judged and retried.
    pub(crate) fn tuned(&self, others: &Self) -> Self {
        Self {
            default_timeout_ms: others.default_timeout_ms,
            max_timeout_ms: others.max_timeout_ms,
            max_calls_per_replica: others.max_calls_per_replica,
            eject_after: others.eject_after,
            eject_for_ms: others.eject_for_ms,
            eject_for_max_ms: others.eject_for_max_ms,
            retry_ratio: others.retry_ratio,
            retry_min_per_second: others.retry_min_per_second,
            retry_jitter_ms: others.retry_jitter_ms,
            ..self.clone()
        }
    }

    /// Whether as many retries are allowed.
    pub(crate) fn has_same_retries(&self, others: &Self) -> bool {
        (self.retry_ratio, self.retry_min_per_second) == (others.retry_ratio, others.retry_min_per_second)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(Options::default().check(), Ok(()));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let read = serde_json::from_str::<Options>(r#"{"connect_timeout":5}"#);
        assert!(read.expect_err("no such key").to_string().contains("connect_timeout"));
    }

    #[test]
    fn a_key_that_is_left_out_has_its_default() {
        let read: Options = serde_json::from_str(r#"{"keepalive_ms":7}"#).expect("it is a known key");
        assert_eq!(read, Options { keepalive_ms: 7, ..Options::default() });
    }

    #[test]
    fn the_check_names_the_key() {
        let short = Options { max_timeout_ms: 5, ..Options::default() };
        assert_eq!(short.check().expect_err("shorter than the default").0, "max_timeout_ms");
        let none = Options { max_calls_per_replica: 0, ..Options::default() };
        assert_eq!(none.check().expect_err("no calls at all").0, "max_calls_per_replica");
        let odd = Options { retry_ratio: f64::NAN, ..Options::default() };
        assert_eq!(odd.check().expect_err("not a number").0, "retry_ratio");
    }
}
