//! How the service is set up: plain data with defaults.
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The settings of the context service. Sizes are in bytes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where contexts are kept. Default: the file `contexts.db` in the working folder.
    pub database: Database,
    /// Connections to the database, for reading alone in the case of SQLite. 1 to 1,000; default 8.
    pub connections: usize,
    /// Where the service listens; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: String,
    /// Gateways at which to register and publish, as `http://host:port` or `https://host:port`. Default none; then
    /// changes are not told.
    pub registry: Vec<String>,
    /// The address that gateways shall dial, if it is not the one listened on.
    pub advertise: Option<String>,
    /// A file with the token by which the gateways know the service. Default none.
    pub registry_token_file: Option<PathBuf>,
    /// The authorities of gateways that are registered at by `https`, PEM. Default: those of the system.
    pub ca_file: Option<PathBuf>,
    /// The service's certificate, PEM, shown to gateways; with it the service's own port speaks TLS. Default none.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
    /// The authorities of the certificates that gateways have to show at the service's port, PEM. Default none.
    pub client_ca_file: Option<PathBuf>,
    /// The largest content. Up to 7 MiB; default 1 MiB.
    pub max_content_bytes: usize,
    /// The largest metadata. 2 to 32,768; default 16 KiB.
    pub max_metadata_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: Database::Sqlite("contexts.db".into()),
            connections: 8,
            listen: "127.0.0.1:0".to_owned(),
            registry: Vec::new(),
            advertise: None,
            registry_token_file: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            client_ca_file: None,
            max_content_bytes: 1 << 20,
            max_metadata_bytes: 16 << 10,
        }
    }
}

impl Settings {
    /// What a type alone cannot say.
    ///
    /// # Errors
    /// The key, its value, and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, usize, &'static str)> {
        let bounds = [
            ("connections", self.connections, 1..=1_000, "1 to 1000"),
            ("max_content_bytes", self.max_content_bytes, 1..=7 << 20, "1 to 7340032 bytes"),
            ("max_metadata_bytes", self.max_metadata_bytes, 2..=32 << 10, "2 to 32768 bytes"),
        ];
        match bounds.into_iter().find(|(_, value, range, _)| !range.contains(value)) {
            Some((key, value, _, right)) => Err((key, value, right)),
            None => Ok(()),
        }
    }
}

/// Where contexts are kept: `sqlite:PATH`, or `postgres://…` as PostgreSQL's own programs take it. It is shown
/// without a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Database {
    /// This file.
    Sqlite(PathBuf),
    /// This server.
    Postgres(String),
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => {
                // The parser's own words may repeat a password.
                let parsed = text.parse::<tokio_postgres::Config>();
                parsed.map_err(|_| "use postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned())?;
                Ok(Self::Postgres(text.to_owned()))
            }
            _ => Err("use sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned()),
        }
    }
}

impl TryFrom<String> for Database {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&shown(url)),
        }
    }
}

/// The URL without its password and without its parameters, one of which may be another.
fn shown(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return "postgres:".to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => url.to_owned(),
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Database {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_its_password() {
        for (given, shown) in [
            ("sqlite:/var/lib/mcpw/contexts.db", "sqlite:/var/lib/mcpw/contexts.db"),
            ("postgres://mcpw:s3cret@db:5432/contexts", "postgres://mcpw@db:5432/contexts"),
            ("postgres://mcpw:p%40s@a:1,b:2/x?sslmode=require&password=s3cret", "postgres://mcpw@a:1,b:2/x"),
            ("postgresql://db/contexts", "postgresql://db/contexts"),
        ] {
            let database: Database = given.parse().unwrap();
            assert_eq!(database.to_string(), shown);
            assert!(!format!("{database:?}").contains("s3cret"));
        }
    }

    #[test]
    fn what_is_no_database_is_told_what_would_be_right() {
        for wrong in ["", "contexts.db", "sqlite:", "mysql://x", "postgres://x:s3cret@h:port/d"] {
            let error = wrong.parse::<Database>().unwrap_err();
            assert!(error.contains("postgres://USER") && !error.contains("s3cret"), "{wrong}: {error}");
        }
    }
}
