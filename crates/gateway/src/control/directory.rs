//! From the directory to the shards: a table of handlers is built once for each change.

use crate::platform;
use jiff::Timestamp;
use protocol::Replica;
use router::{Conflict, Reason, Table};
use session_store::{Directory as _, Snapshot, Store};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The pod's view of all backends.
#[derive(Debug)]
pub(crate) struct Backends {
    directory: Store,
    metrics: Arc<metrics::Pod>,
    tables: watch::Sender<Arc<Table>>,
    /// Since when each instance is there.
    since: Mutex<HashMap<String, Timestamp>>,
}

impl Backends {
    /// The view of the directory that this store shares.
    pub(crate) fn new(directory: Store, metrics: Arc<metrics::Pod>) -> Self {
        // The first clients find what is there already.
        let (table, _) = Table::build(&directory.watch().borrow(), None);
        label(&table, &metrics);
        Self { directory, metrics, tables: watch::channel(Arc::new(table)).0, since: Mutex::default() }
    }

    /// The table of this moment and of every later one.
    pub(crate) fn tables(&self) -> watch::Receiver<Arc<Table>> {
        self.tables.subscribe()
    }

    /// All replicas, and since when this pod knows each.
    pub(crate) fn listed(&self) -> Vec<(Arc<Replica>, Option<Timestamp>)> {
        let replicas = self.directory.watch().borrow().clone();
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |replica: &Arc<Replica>| since.get(&replica.instance).copied();
        replicas.iter().map(|replica| (Arc::clone(replica), since(replica))).collect()
    }

    fn note(&self, snapshot: &Snapshot) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.retain(|instance, _| snapshot.iter().any(|replica| replica.instance == *instance));
        for replica in snapshot.iter() {
            since.entry(replica.instance.clone()).or_insert_with(Timestamp::now);
        }
    }

    /// Why a replica is not taken, beside those that are known: a handler of its is another backend's. Tools of servers behind
    /// it are no reason, since whoever has written them knows nothing of the platform: the rest of them is served.
    pub(crate) fn conflict(&self, replica: &Arc<Replica>) -> Option<String> {
        let known = self.directory.watch().borrow().clone();
        let is_same = |known: &&Arc<Replica>| known.instance == replica.instance;
        if known.iter().find(is_same).is_some_and(|known| known.backend() != replica.backend()) {
            return Some("hello.instance is that of another backend".to_owned());
        }
        let others = known.iter().filter(|known| known.instance != replica.instance);
        let replicas: Vec<_> = others.chain([replica]).cloned().collect();
        let (_, conflicts) = Table::build(&replicas, Some(&self.tables.borrow()));
        conflicts
            .into_iter()
            .find(|conflict| {
                let is_taken = matches!(conflict.reason, Reason::Taken { bridged: false, .. });
                conflict.backend == replica.backend() && is_taken
            })
            .map(|conflict| conflict.to_string())
    }

    pub(crate) async fn put(&self, replica: Arc<Replica>) -> Result<(), session_store::Error> {
        self.directory.put(replica).await
    }

    pub(crate) async fn remove(&self, replica: &Arc<Replica>) {
        if let Err(error) = self.directory.remove(replica).await {
            let (backend, instance) = (replica.backend(), &replica.instance);
            tracing::error!(backend, instance, %error, "the replica could not be taken off the directory");
        }
    }

    /// Tells tenants of backends that come and go, for as long as it is polled: those whose events somebody reads here.
    /// Every pod does, and the log keeps one of them.
    pub(crate) async fn herald(&self, tenants: watch::Receiver<Arc<[Arc<str>]>>) {
        let mut snapshots = self.directory.watch();
        let mut known = snapshots.borrow_and_update().clone();
        while snapshots.changed().await.is_ok() {
            let now = snapshots.borrow_and_update().clone();
            let came = missing(&now, &known).map(|replica| (platform::REGISTERED, replica));
            let gone = missing(&known, &now).map(|replica| (platform::LOST, replica));
            let readers = tenants.borrow().clone();
            for (name, replica) in gone.chain(came) {
                for tenant in &*readers {
                    let event = platform::backend(name, replica, Arc::clone(tenant));
                    platform::publish(&self.directory, event).await;
                }
            }
            known = now;
        }
    }

    /// Builds a table for each change of the directory, for as long as it is polled.
    pub(crate) async fn publish(&self) {
        let mut snapshots = self.directory.watch();
        let mut told = Vec::new();
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            self.note(&snapshot);
            let (table, conflicts) = Table::build(&snapshot, Some(&self.tables.borrow()));
            for conflict in conflicts.iter().filter(|conflict| !told.contains(*conflict)) {
                tracing::warn!(%conflict, "a handler is not reachable");
            }
            label(&table, &self.metrics);
            let places = &self.metrics.backend_names;
            let pair = |conflict: &Conflict| match &conflict.reason {
                Reason::Taken { owner, .. } => Some([places.place(&conflict.backend), places.place(owner)]),
                Reason::Invalid(_) => None,
            };
            self.metrics.tools_left_out(conflicts.iter().filter_map(pair));
            told = conflicts;
            self.metrics.tools(table.tools().len());
            tracing::info!(replicas = snapshot.len(), tools = table.tools().len(), "backends changed");
            self.tables.send_replace(Arc::new(table));
            if snapshots.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Gives tools and backends the labels that they are counted by.
fn label(table: &Table, metrics: &metrics::Pod) {
    for tool in table.tools() {
        tool.set_label(metrics.tool_names.place(&tool.name));
    }
    for replica in table.replicas() {
        metrics.backend_names.place(replica.backend());
    }
}

/// The replicas of one snapshot that are not in another.
fn missing<'a>(of: &'a Snapshot, from: &'a Snapshot) -> impl Iterator<Item = &'a Arc<Replica>> {
    of.iter().filter(|replica| !from.iter().any(|other| other.instance == replica.instance))
}
