//! Whether traces are exported, and to whom: plain data, checked before it is used.

use super::headers::{self, HeaderValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use transport::ClientFiles;

/// How spans travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OTLP/gRPC.
    #[default]
    Grpc,
    /// OTLP/HTTP, with protobuf.
    Http,
}

/// Traces, and the collector that takes them. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The collector, as `http://host:port` or, with TLS, `https://host:port`; for `http` with its path, where that is
    /// not `/v1/traces`. Default: none, and no traces.
    pub endpoint: Option<String>,
    /// How spans travel. Default OTLP/gRPC.
    pub protocol: Protocol,
    /// Of the traces that begin here so many are kept, from 0 to 1. Default 0.01.
    pub ratio: f64,
    /// What is sent beside them, for collectors that ask who it is.
    pub headers: BTreeMap<String, HeaderValue>,
    /// A file with more of that, `name: value` in a line each. Default none.
    pub headers_file: Option<PathBuf>,
    /// TLS towards an `https` endpoint.
    pub tls: ClientFiles,
    /// Spans that may wait; more are dropped and counted. Default 4096.
    pub queue: usize,
    /// How long one delivery may take, and how long the last ones may at the end of the process. Default 5 seconds.
    pub timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: Protocol::Grpc,
            ratio: 0.01,
            headers: BTreeMap::new(),
            headers_file: None,
            tls: ClientFiles::default(),
            queue: 4_096,
            timeout_ms: 5_000,
        }
    }
}

/// Settings by which no traces can be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that can't be right.
    #[error("{key} = {value}: {right} is needed")]
    Value {
        /// Its key.
        key: &'static str,
        /// What it is; not shown of secrets.
        value: String,
        /// What would be right.
        right: &'static str,
    },
    /// A file that can't be read.
    #[error("headers_file: {path}: {reason}", path = path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The certificates or the key can't be used.
    #[error("tls: {0}")]
    Tls(#[from] transport::TlsError),
    /// The exporter could not be made.
    #[error("{0}")]
    Exporter(String),
}

impl Settings {
    /// The largest queue.
    const QUEUE: usize = 1 << 20;
    /// The longest time.
    const TIMEOUT_MS: u64 = 60_000;

    /// What a type alone cannot say. Reads no file.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |key, value: String, right| Err(Error::Value { key, value, right });
        if let Some(endpoint) = &self.endpoint {
            let uri: Option<tonic::codegen::http::Uri> = endpoint.parse().ok();
            let is_address = uri.is_some_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.host().is_some_and(|host| !host.is_empty())
                    && !uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
            });
            if !is_address {
                // Somebody may have put credentials into it.
                let right = "http://host:port or https://host:port, without a user";
                return wrong("endpoint", "...".to_owned(), right);
            }
        }
        if !(0.0..=1.0).contains(&self.ratio) {
            return wrong("ratio", self.ratio.to_string(), "a number from 0 to 1");
        }
        if !(1..=Self::QUEUE).contains(&self.queue) {
            return wrong("queue", self.queue.to_string(), "1 to 1048576");
        }
        if !(1..=Self::TIMEOUT_MS).contains(&self.timeout_ms) {
            return wrong("timeout_ms", self.timeout_ms.to_string(), "1 to 60000");
        }
        for (name, value) in &self.headers {
            if !headers::check(name, value) {
                return wrong("headers", name.clone(), "a name and a value that can stand in a header");
            }
        }
        Ok(())
    }

    /// All headers, those of the file last.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn all_headers(&self) -> Result<Vec<(String, HeaderValue)>, Error> {
        let mut all: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Some(path) = &self.headers_file {
            let text =
                std::fs::read_to_string(path).map_err(|reason| Error::File { path: path.clone(), reason })?;
            all.extend(headers::parse(&text).map_err(|line| Error::Value {
                key: "headers_file",
                value: format!("{}:{line}", path.display()),
                right: "`name: value` in each line",
            })?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_at_their_limits() {
        let check = |change: &dyn Fn(&mut Settings), wrong: Option<&str>| {
            let mut settings = Settings::default();
            change(&mut settings);
            let key = settings.check().err().map(|error| error.to_string());
            assert_eq!(key.as_deref().and_then(|text| text.split(' ').next()), wrong, "{settings:?}");
        };
        check(&|_| {}, None);
        for good in ["http://a:1", "https://a", "http://[::1]:4318/v1/traces"] {
            check(&|s| s.endpoint = Some(good.into()), None);
        }
        for bad in ["", "a:1", "ftp://a:1", "http://", "http://u:p@a:1", "/v1"] {
            check(&|s| s.endpoint = Some(bad.into()), Some("endpoint"));
        }
        for (ratio, wrong) in [(0.0, None), (1.0, None), (-0.1, Some("ratio")), (1.1, Some("ratio"))] {
            check(&|s| s.ratio = ratio, wrong);
        }
        check(&|s| s.ratio = f64::NAN, Some("ratio"));
        for (queue, wrong) in [(1, None), (1 << 20, None), (0, Some("queue")), ((1 << 20) + 1, Some("queue"))]
        {
            check(&|s| s.queue = queue, wrong);
        }
        for (ms, wrong) in [(1, None), (60_000, None), (0, Some("timeout_ms")), (60_001, Some("timeout_ms"))]
        {
            check(&|s| s.timeout_ms = ms, wrong);
        }
        check(&|s| drop(s.headers.insert("a b".into(), HeaderValue::default())), Some("headers"));
        check(&|s| drop(s.headers.insert("a".into(), HeaderValue("\n".into()))), Some("headers"));
        check(&|s| drop(s.headers.insert("a".into(), HeaderValue("b".into()))), None);
    }
}
