//! From settings to connections. What it makes, it does not watch.
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _,
    ProtocolVersion, PushInfo, RedisConnectionInfo, RedisFuture, RedisResult, TlsCertificates, TlsMode,
    Value,
};
use tokio::sync::Mutex;

use super::failure::judge;
use crate::{Error, Mode, Settings};

/// A connection to a server, or to all of a cluster. Clones share it.
#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) fn send<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }
}

/// Where pushed messages go; it never blocks the connection.
pub(super) type Pushes = Arc<dyn Fn(PushInfo) + Send + Sync>;

enum Target {
    Standalone(Box<Client>),
    Sentinel(Box<Mutex<SentinelClient>>),
    Cluster(Vec<ConnectionInfo>),
}

/// What connections are made of.
pub(super) struct Dial {
    target: Target,
    settings: Settings,
    certificates: Option<TlsCertificates>,
}

impl Dial {
    /// # Errors
    /// [`Error::Settings`] where they can't be right.
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let certificates = certificates(settings)?;
        if settings.addresses.is_empty() {
            return Err(wrong("there has to be at least one address, as host:port"));
        }
        if settings.mode == Mode::Cluster && settings.database != 0 {
            return Err(wrong("a cluster has only database 0"));
        }
        let addresses: Vec<_> =
            settings.addresses.iter().map(|text| address(text, settings)).collect::<Result<_, _>>()?;
        let login = login(settings);
        let target = match settings.mode {
            Mode::Standalone => {
                let [address] = <[_; 1]>::try_from(addresses).map_err(|_| {
                    wrong("standalone takes one address; for more, set mode to sentinel or cluster")
                })?;
                let target = info(address, login)?;
                let client = match &certificates {
                    Some(certificates) => Client::build_with_tls(target, certificates.clone()),
                    None => Client::open(target),
                };
                Target::Standalone(Box::new(client.map_err(settings_error)?))
            }
            Mode::Sentinel => {
                Target::Sentinel(Box::new(Mutex::new(sentinel(addresses, settings, &certificates)?)))
            }
            Mode::Cluster => Target::Cluster(
                addresses
                    .into_iter()
                    .map(|address| info(address, login.clone()))
                    .collect::<Result<_, _>>()?,
            ),
        };
        let dial = Self { target, settings: settings.clone(), certificates };
        if let Target::Cluster(_) = dial.target {
            dial.cluster(None)?;
        }
        Ok(dial)
    }

    /// A new connection; pushed messages go to `pushes`.
    pub(super) async fn connect(&self, pushes: Option<Pushes>) -> Result<Connection, Error> {
        let timeout = Duration::from_millis(self.settings.connect_timeout_ms);
        let connecting = self.attempt(pushes);
        match tokio::time::timeout(timeout, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(judge(&error).1),
            Err(_) => Err(Error::Timeout { milliseconds: self.settings.connect_timeout_ms }),
        }
    }

    async fn attempt(&self, pushes: Option<Pushes>) -> RedisResult<Connection> {
        let timeout = Some(Duration::from_millis(self.settings.connect_timeout_ms));
        let mut config =
            AsyncConnectionConfig::new().set_connection_timeout(timeout).set_response_timeout(None);
        if let (Target::Standalone(_) | Target::Sentinel(_), Some(pushes)) = (&self.target, &pushes) {
            let pushes = pushes.clone();
            config = config.set_push_sender(move |push| {
                pushes(push);
                Ok::<(), Infallible>(())
            });
        }
        Ok(match &self.target {
            Target::Standalone(client) => {
                Connection::Single(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            Target::Sentinel(sentinel) => {
                let client = sentinel.lock().await.async_get_client().await?;
                Connection::Single(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            Target::Cluster(_) => {
                let client = self.cluster(pushes).map_err(|_| {
                    ::redis::RedisError::from((::redis::ErrorKind::InvalidClientConfig, "settings"))
                })?;
                Connection::Cluster(client.get_async_connection().await?)
            }
        })
    }

    /// The library's own retries are off: it repeats commands that may have been executed.
    fn cluster(&self, pushes: Option<Pushes>) -> Result<ClusterClient, Error> {
        let Target::Cluster(nodes) = &self.target else { return Err(wrong("it is no cluster")) };
        let timeout = Duration::from_millis(self.settings.connect_timeout_ms);
        let mut builder = ClusterClientBuilder::new(nodes.iter().cloned())
            .use_protocol(ProtocolVersion::RESP3)
            .retries(0)
            .connection_timeout(timeout)
            // Who waits for a response has a timeout of his own.
            .response_timeout(Duration::from_hours(1));
        if let Some(certificates) = &self.certificates {
            builder = builder.tls(TlsMode::Secure).certs(certificates.clone());
        }
        if let Some(pushes) = pushes {
            builder = builder.push_sender(move |push| {
                pushes(push);
                Ok::<(), Infallible>(())
            });
        }
        builder.build().map_err(settings_error)
    }
}

fn wrong(reason: &str) -> Error {
    Error::Settings { reason: reason.to_owned() }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn settings_error(error: ::redis::RedisError) -> Error {
    Error::Settings { reason: error.to_string() }
}

fn certificates(settings: &Settings) -> Result<Option<TlsCertificates>, Error> {
    let Some(tls) = &settings.tls else { return Ok(None) };
    // The client library takes the process's cryptography and panics without one. Who has set it before wins.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path)
            .map_err(|error| Error::Settings { reason: format!("{}: {error}", path.display()) })
    };
    let root_cert = tls.ca_file.as_ref().map(read).transpose()?;
    Ok(Some(TlsCertificates { client_tls: None, root_cert }))
}

fn address(text: &str, settings: &Settings) -> Result<ConnectionAddr, Error> {
    let bad = || wrong(&format!("the address {text:?} has to be host:port"));
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| bad())?;
    if host.is_empty() {
        return Err(bad());
    }
    let host = host.to_owned();
    Ok(match settings.tls {
        Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        None => ConnectionAddr::Tcp(host, port),
    })
}

fn login(settings: &Settings) -> RedisConnectionInfo {
    let mut login =
        RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3).set_db(settings.database);
    if let Some(username) = &settings.username {
        login = login.set_username(username);
    }
    if let Some(password) = &settings.password {
        login = login.set_password(&password.0);
    }
    login
}

fn info(address: ConnectionAddr, login: RedisConnectionInfo) -> Result<ConnectionInfo, Error> {
    Ok(address.into_connection_info().map_err(settings_error)?.set_redis_settings(login))
}

fn sentinel(
    addresses: Vec<ConnectionAddr>,
    settings: &Settings,
    certificates: &Option<TlsCertificates>,
) -> Result<SentinelClient, Error> {
    let master = SentinelServerType::Master;
    let mut builder = SentinelClientBuilder::new(addresses, &settings.master_name, master)
        .map_err(settings_error)?
        .set_client_to_redis_protocol(ProtocolVersion::RESP3)
        .set_client_to_redis_db(settings.database);
    if let Some(username) = &settings.username {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = &settings.password {
        builder = builder.set_client_to_redis_password(&password.0);
    }
    if let Some(username) = &settings.sentinel_username {
        builder = builder.set_client_to_sentinel_username(username);
    }
    if let Some(password) = &settings.sentinel_password {
        builder = builder.set_client_to_sentinel_password(&password.0);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_certificates(certificates.clone());
    }
    builder.build().map_err(settings_error)
}
