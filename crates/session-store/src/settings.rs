//! How a Redis is reached: plain data, checked when it is used.
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

/// How the servers work together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One server, or an address behind which there is always the one that takes writes.
    #[default]
    Standalone,
    /// Sentinels that know which server is the master.
    Sentinel,
    /// A cluster of at least Redis 7.
    Cluster,
}

/// A password. It is read, and never written out again.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How TLS is spoken with the servers and the sentinels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// A PEM file with the authorities to trust. Default: those of the system.
    pub ca_file: Option<PathBuf>,
}

/// How a Redis (at least 7.0) is reached. Times are in milliseconds.
///
/// What a pod asks for while nothing happens does not depend on how many sessions there are: `ROLE` (in a cluster
/// `PING`) and `PING`, once each in every `check_interval_ms`, and one script three times in every
/// `directory_lease_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How the servers work together. Default standalone.
    pub mode: Mode,
    /// `host:port` of the server, of the sentinels, or of some nodes of the cluster. Default `127.0.0.1:6379`.
    pub addresses: Vec<String>,
    /// What the sentinels call the master. Default `mymaster`.
    pub master_name: String,
    /// The ACL user. Default: none.
    pub username: Option<String>,
    /// The password. Default: none.
    pub password: Option<Secret>,
    /// The ACL user at the sentinels. Default: none.
    pub sentinel_username: Option<String>,
    /// The password at the sentinels. Default: none.
    pub sentinel_password: Option<Secret>,
    /// TLS. Default: none.
    pub tls: Option<Tls>,
    /// The number of the database; a cluster has only 0. Default 0.
    pub database: i64,
    /// What all keys and channels begin with. Default `mcpw`.
    pub key_prefix: String,
    /// How long a connection may take. Default 2 seconds.
    pub connect_timeout_ms: u64,
    /// How long a command may take. Default 1 second.
    pub command_timeout_ms: u64,
    /// How often a connection is asked whether it is alive and leads to a server that takes writes: by `ROLE` (in
    /// a cluster `PING`) that of the commands, by `PING` that of the subscriptions. Default 5 seconds.
    pub check_interval_ms: u64,
    /// How long the replicas of a pod stay in the directory after its last sign of life. The pod gives one in
    /// every third of that, by a script that also says whether the list has changed. Default 10 seconds.
    pub directory_lease_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Standalone,
            addresses: vec!["127.0.0.1:6379".to_owned()],
            master_name: "mymaster".to_owned(),
            username: None,
            password: None,
            sentinel_username: None,
            sentinel_password: None,
            tls: None,
            database: 0,
            key_prefix: "mcpw".to_owned(),
            connect_timeout_ms: 2_000,
            command_timeout_ms: 1_000,
            check_interval_ms: 5_000,
            directory_lease_ms: 10_000,
        }
    }
}
