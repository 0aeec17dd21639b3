//! The whole gateway: sockets bound, shards and control plane started, and brought to an end in order.

use crate::audit;
use crate::config::{Config, ConfigError, Loaded, StoreKind, ms};
use crate::control::{
    Access, Admin, Backends, Guard, Publisher, Registry, Revocations, Served, Services, Sessions, Settings,
    keep_lease, serve_grpc, settle_quotas, start_issuers, watch_store,
};
use crate::fanout;
use crate::limits::{Due, Ledger, Limits};
use crate::mail::{self, Memo};
use crate::pod::Pod;
use crate::reload::{Order, Reload};
use crate::shard::{self, Common, Parts, Stage};
use crate::tasks::Tasks;
use crate::terms::Terms;
use crate::tls::{Follower, Port, TlsError};
use metrics::Drain;
use metrics::trace::{Exporter, Process};
use session_store::{Channel as _, EventLog as _, Leases as _, MemoryStore, RedisStore, Store};
use socket2::{Domain, Socket, Type};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Why a gateway did not start, or not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keys of `auth` cannot be used.
    #[error("auth: {0}")]
    Auth(#[from] auth::Error),
    /// The published keys of an issuer cannot be used, and no waiting mends it.
    #[error("auth.issuers: {issuer:?}: {problem}")]
    Issuer {
        /// The issuer's name.
        issuer: String,
        /// What is wrong.
        problem: String,
    },
    /// The certificates or keys of `tls` cannot be used.
    #[error("tls: {0}")]
    Tls(#[from] TlsError),
    /// The certificates or keys of `registry.tls` cannot be used.
    #[error("registry.tls: {0}")]
    RegistryTls(TlsError),
    /// The certificates or keys of `admin.tls` cannot be used.
    #[error("admin.tls: {0}")]
    AdminTls(TlsError),
    /// The certificates or keys of `router.tls` cannot be used.
    #[error("router.tls: {0}")]
    RouterTls(TlsError),
    /// An address cannot be bound.
    #[error("{key}: {address} cannot be bound: {reason}")]
    Bind {
        /// The setting that holds it.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
    /// The store cannot be used with these settings.
    #[error("store.redis: {0}")]
    Store(session_store::Error),
    /// The audit log cannot be written.
    #[error("audit.file: {path}: {reason}", path = path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// What the system said, or what is wrong with the file.
        reason: io::Error,
    },
    /// Traces cannot be exported with these settings.
    #[error("traces.{0}")]
    Traces(#[from] metrics::trace::Error),
    /// The system refused something else that is needed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A gateway whose addresses are bound, and which serves nothing yet.
#[derive(Debug)]
pub struct Gateway {
    loaded: Loaded,
    /// What clients are served under at first.
    terms: Terms,
    metrics: Arc<metrics::Pod>,
    /// Where rates that hold over all pods are settled, if pods share a store.
    ledger: Option<(Arc<Ledger>, Due)>,
    tls: Option<Follower>,
    registry_tls: Option<Follower>,
    admin_tls: Option<Follower>,
    operators: auth::Operators,
    registrants: Option<auth::Registrants>,
    dialer: router::Dialer,
    audit: Option<audit::Log>,
    reload: Reload,
    orders: mpsc::Receiver<Order>,
    clients: Vec<TcpListener>,
    admin: TcpListener,
    grpc: TcpListener,
}

impl Gateway {
    /// Binds the three ports. Port 0 takes a free one. Settings that were loaded can be read again while it runs.
    ///
    /// # Errors
    /// A setting, a certificate, a key file or an address that cannot be used.
    pub fn bind(settings: impl Into<Loaded>) -> Result<Self, Error> {
        let loaded: Loaded = settings.into();
        let config = Arc::new(loaded.config.clone());
        config.check()?;
        let shards = match config.runtime.shards {
            0 => std::thread::available_parallelism()?.get(),
            shards => shards,
        };
        let metrics = Arc::new(metrics::Pod::new(config.metrics.bounds(shards)));
        let ledger = (config.store.kind == StoreKind::Redis).then(|| Ledger::new(Arc::clone(&metrics)));
        let limits = Limits::new(&config, ledger.as_ref().map(|(ledger, _)| Arc::clone(ledger)));
        let terms = Terms::new(Arc::clone(&config), limits)?;
        let tls = client_tls(&config)?;
        let (registry_tls, registrants) = (registry_tls(&config)?, registrants(&config)?);
        let (admin_tls, operators) = (admin_tls(&config)?, operators(&config)?);
        let dialer = router::Dialer::new(config.router.clone()).map_err(Error::RouterTls)?;
        let audit = audit::Log::open(&config.audit).map_err(|reason| {
            let path = config.audit.file.clone().unwrap_or_default();
            Error::Audit { path, reason }
        })?;
        // Listeners that share a port would also share it with another gateway, silently: this one would fail.
        drop(listen("websocket.listen", config.websocket.listen, false)?);
        let mut clients = vec![listen("websocket.listen", config.websocket.listen, true)?];
        let shared = clients[0].local_addr()?;
        while clients.len() < shards {
            clients.push(listen("websocket.listen", shared, true)?);
        }
        let admin = listen("admin.listen", config.admin.listen, false)?;
        let grpc = listen("registry.listen", config.registry.listen, false)?;
        let (reload, orders) = Reload::new();
        Ok(Self {
            loaded,
            terms,
            metrics,
            ledger,
            tls,
            registry_tls,
            admin_tls,
            operators,
            registrants,
            dialer,
            audit,
            reload,
            orders,
            clients,
            admin,
            grpc,
        })
    }

    /// Has settings, certificates and keys read again at once, and the audit log opened again, now and while the gateway
    /// runs.
    pub fn reload(&self) -> Reload {
        self.reload.clone()
    }

    /// Where clients connect.
    ///
    /// # Errors
    /// The system's.
    pub fn client_address(&self) -> io::Result<SocketAddr> {
        self.clients[0].local_addr()
    }

    /// Where operators ask.
    ///
    /// # Errors
    /// The system's.
    pub fn admin_address(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Where backends register.
    ///
    /// # Errors
    /// The system's.
    pub fn grpc_address(&self) -> io::Result<SocketAddr> {
        self.grpc.local_addr()
    }

    /// Serves until `shutdown` is done or a drain was asked for, then drains: unready, `drain.delay_ms`, no
    /// new clients, the connected ones told to go as their calls end, at last `drain.timeout_ms`.
    ///
    /// # Errors
    /// A thread or a port that failed, or an issuer whose keys can't be trusted.
    ///
    /// # Cancel safety
    /// Dropping the future ends the shards at once, without a drain.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let Self { loaded, terms, metrics, ledger, tls, registry_tls, registrants, dialer, .. } = self;
        let Self { audit, reload, orders, clients, admin, grpc, admin_tls, operators, .. } = self;
        let config = Arc::clone(&terms.config);
        let followers = start_issuers(&terms.verifier)
            .await
            .map_err(|(issuer, problem)| Error::Issuer { issuer, problem: problem.to_string() })?;
        let mut pod = Pod::new(metrics, Arc::clone(&terms.limits));
        let mut writer = None;
        if let Some(log) = audit {
            let (audit, thread) = log.start(&pod.id, Arc::clone(&pod.metrics))?;
            (pod.audit, writer) = (audit, Some(thread));
        }
        let process = Process { instance: pod.id.to_string(), version: env!("CARGO_PKG_VERSION") };
        let mut exporter = None;
        if let Some((tracer, started)) = Exporter::start(&config.traces, &process, &pod.metrics)? {
            (pod.tracer, exporter) = (tracer, Some(started));
        }
        let pod = Arc::new(pod);
        let store = open_store(&config, &pod).await?;
        let backends = Arc::new(Backends::new(store.clone(), Arc::clone(&pod.metrics)));
        let (stage, stages) = watch::channel(Stage::Serving);
        let mut tasks = Tasks::default();
        tasks.spawn(heap::keep_small());
        tasks.spawn(watch_store(store.clone(), Arc::clone(&pod)));
        if let Some((ledger, due)) = ledger {
            tasks.spawn(settle_quotas(store.clone(), Arc::clone(&pod), ledger, due));
        }
        let (shards, memos): (Vec<_>, Vec<_>) =
            (0..clients.len()).map(|_| mpsc::channel::<Memo>(MEMOS)).unzip();
        let lease = ms(config.pod.lease_ms);
        tasks.spawn(keep_lease(store.clone(), Arc::clone(&pod), lease, shards.clone()));
        let (watch, watches) = mpsc::unbounded_channel();
        tasks.spawn(mail::hand_out(store.inbox(&pod.id), shards.clone()));
        let most = config.store.bounds.revocations;
        let revocations = Revocations::new(store.clone(), Arc::clone(&pod), shards.clone(), most);
        let revocations = Arc::new(revocations);
        // The first clients find what is revoked already.
        let mut version = None;
        revocations.sync(&mut version).await;
        tasks.spawn(Arc::clone(&revocations).follow(version, ms(config.pod.lease_ms)));
        let (tenants, watched) = watch::channel(Arc::default());
        tasks.spawn(fanout::follow(store.tail(), watches, shards.clone(), tenants));

        let publisher = Arc::clone(&backends);
        tasks.spawn(async move { publisher.publish().await });
        let herald = Arc::clone(&backends);
        tasks.spawn(async move { herald.herald(watched).await });
        let (by_whom, how) = ((Arc::clone(&pod), shards.clone()), (Arc::clone(&backends), dialer.clone()));
        let settings = Settings::new(loaded, terms.clone(), by_whom, how, followers);
        let in_force = settings.in_force();
        tasks.spawn(settings.keep(orders));
        let (drain, mut drains) = mpsc::channel(1);
        let asked_by_operators = shards.clone();
        let grpc = tokio::net::TcpListener::from_std(grpc)?;
        let guard = Guard::new(registrants, registry_tls.as_ref().map(Follower::judge), Arc::clone(&pod));
        let (registry, accepted) =
            Registry::new(Arc::clone(&backends), guard.clone(), dialer.clone(), &config);
        let events = Publisher::new(store.clone(), guard.clone());
        tasks.spawn(guard.clone().follow_tokens());
        let sessions = Sessions::new(store.clone(), in_force.clone());
        let services = Services { registry, accepted, events, sessions, guard };
        let certificates = registry_tls.as_ref().map(Follower::in_force);
        tasks.spawn(serve_grpc(grpc, certificates, config.registry.clone(), services, Arc::clone(&pod)));
        if let Some(follower) = registry_tls {
            let pod = Arc::clone(&pod);
            let told = move |expiry| pod.metrics.registry_certificate_expiry(expiry);
            tasks.spawn(follower.run(reload.asked(), told));
        }
        let admin = tokio::net::TcpListener::from_std(admin)?;
        let served = Admin::new(Served {
            access: Access::new(operators, &config.admin, Arc::clone(&pod)),
            config: Arc::clone(&config),
            pod: Arc::clone(&pod),
            store: store.clone(),
            backends: Arc::clone(&backends),
            shards: asked_by_operators,
            revocations,
            drain,
            reload: reload.clone(),
        });
        tasks.spawn(served.serve(admin, admin_tls.as_ref().map(Follower::in_force)));
        if let Some(follower) = admin_tls {
            tasks.spawn(follower.run(reload.asked(), |_| {}));
        }

        let cpus = if config.runtime.pin { core_affinity::get_core_ids() } else { None }.unwrap_or_default();
        let mut threads = Vec::new();
        let port = match &tls {
            Some(follower) => {
                let rules = auth::CertificateRules::new(&config.tls.client_identities)?;
                Some(Arc::new(Port::new(follower.in_force(), rules)))
            }
            None => None,
        };
        let common = Common {
            terms,
            pod: Arc::clone(&pod),
            dialer,
            tls: port,
            store: store.clone(),
            shards: shards.into(),
            watch,
        };
        if pod.audit.is_on() {
            let (audit, mut asked) = (pod.audit.clone(), reload.asked());
            tasks.spawn(async move {
                loop {
                    asked.next().await;
                    audit.reopen().await;
                }
            });
        }
        if let Some(follower) = tls {
            let pod = Arc::clone(&pod);
            tasks.spawn(follower.run(reload.asked(), move |expiry| pod.metrics.certificate_expiry(expiry)));
        }
        for (index, (listener, memos)) in clients.into_iter().zip(memos).enumerate() {
            threads.push(shard::spawn(Parts {
                index,
                cpu: cpus.get(index % cpus.len().max(1)).copied(),
                listener,
                common: common.clone(),
                memos,
                tables: backends.tables(),
                stage: stages.clone(),
            })?);
        }
        drop((stages, common));
        pod.metrics.ready(true);
        tracing::info!(pod = %pod.id, shards = threads.len(), "serving");

        tokio::select! {
            () = shutdown => {}
            Some(()) = drains.recv() => {}
        }
        let way_out = in_force.borrow().drain.clone();
        pod.begin_drain(way_out.rate);
        tracing::info!(connections = pod.connections(), "draining");
        tokio::time::sleep(ms(way_out.delay_ms)).await;
        pod.goes(Drain::Migrating);
        stage.send_replace(Stage::Leaving);
        // The shards' receivers are gone once all of them have ended.
        if tokio::time::timeout(ms(way_out.timeout_ms), stage.closed()).await.is_err() {
            tracing::warn!(connections = pod.connections(), "drain.timeout_ms is over; dropping the rest");
            pod.goes(Drain::Over);
            stage.send_replace(Stage::Over);
            stage.closed().await;
        }
        pod.goes(Drain::Over);
        for thread in threads {
            match thread.join() {
                Ok(ended) => ended?,
                Err(_) => return Err(io::Error::other("a shard panicked").into()),
            }
        }
        // From now on nobody waits for what this pod was doing.
        if let Err(error) = store.release(&pod.id).await {
            tracing::debug!(%error, "the pod's lease runs out by itself");
        }
        if let Some(thread) = writer {
            pod.audit.end(thread).await;
        }
        if let Some(exporter) = exporter {
            // The last spans have their time, and nothing else is left to wait for them.
            let _ = tokio::task::spawn_blocking(|| exporter.end()).await;
        }
        tracing::info!("drained");
        Ok(())
    }
}

/// What tokens are judged by. Where certificates say who clients are, there need be no key.
pub(crate) fn verifier(config: &Config) -> Result<auth::Verifier, auth::Error> {
    if config.tls.client_identities.is_empty() {
        auth::Verifier::new(&config.auth)
    } else {
        auth::Verifier::beside_certificates(&config.auth)
    }
}

/// TLS of the client port, if it speaks that.
pub(crate) fn client_tls(config: &Config) -> Result<Option<Follower>, TlsError> {
    config.tls.is_on().then(|| Follower::start(&config.tls, "http/1.1")).transpose()
}

/// TLS of the gRPC port, if it speaks that.
pub(crate) fn registry_tls(config: &Config) -> Result<Option<Follower>, Error> {
    let tls = &config.registry.tls;
    tls.is_on().then(|| Follower::start(&tls.as_tls(), "h2")).transpose().map_err(Error::RegistryTls)
}

/// TLS of the operators' port, if it speaks that.
pub(crate) fn admin_tls(config: &Config) -> Result<Option<Follower>, Error> {
    let tls = &config.admin.tls;
    tls.is_on().then(|| Follower::start(&tls.as_tls(), "http/1.1")).transpose().map_err(Error::AdminTls)
}

/// Who may look at the gateway and change something of it, if not whoever is on this machine.
pub(crate) fn operators(config: &Config) -> Result<auth::Operators, auth::Error> {
    auth::Operators::new(&config.admin.tokens, &config.admin.certificates)
}

/// Who may register, if not whoever reaches the port.
pub(crate) fn registrants(config: &Config) -> Result<Option<auth::Registrants>, auth::Error> {
    let registry = &config.registry;
    registry.asks_for_proof().then(|| auth::Registrants::new(&registry.backends)).transpose()
}

/// What may wait for a shard that is busy, before whoever tells it waits too.
const MEMOS: usize = 4_096;

/// The store that the settings chose. A Redis that is not there yet is no error.
async fn open_store(config: &Config, pod: &Pod) -> Result<Store, Error> {
    let bounds = config.store.bounds.clone();
    match config.store.kind {
        StoreKind::Memory => Ok(Store::Memory(MemoryStore::new(bounds))),
        StoreKind::Redis => {
            let store = RedisStore::connect(&config.store.redis, bounds, pod.id.clone()).await;
            Ok(Store::Redis(store.map_err(Error::Store)?, Arc::clone(&pod.metrics.operations)))
        }
    }
}

/// A listener; a shared one may have others of the same address beside it, one for each shard.
fn listen(key: &'static str, address: SocketAddr, shared: bool) -> Result<TcpListener, Error> {
    const BACKLOG: i32 = 4_096;
    // More unsent output than this stays with us, where it counts against write_high_water, and a ping does not
    // stand behind megabytes.
    const UNSENT_IN_KERNEL: u32 = 256 * 1024;
    let bind = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        // Accepted sockets inherit both.
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_notsent_lowat(UNSENT_IN_KERNEL)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    bind().map_err(|reason| Error::Bind { key, address, reason })
}
