//! The directory in Redis: a hash of replicas, each with the pod that has it, and the pods' leases beside it. Every
//! pod holds a copy of the list, told of changes by a channel and checked with each renewal of its lease.
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use protocol::{Replica, pb};
use redis::Value;
use tokio::sync::{Notify, watch};

use super::link::Request;
use super::reply::{Reply, damaged};
use super::{Inner, RedisStore, scripts};
use crate::mailbox::lock;
use crate::{Directory, Error, LogEpoch, Snapshot};

/// What a pod knows of the shared list.
#[derive(Debug)]
pub(super) struct Copy {
    snapshot: watch::Sender<Snapshot>,
    own: Mutex<Own>,
    /// The version of the snapshot, empty as long as nobody has listed anything. Held while the list is read, so
    /// that an older one never follows a newer.
    version: tokio::sync::Mutex<Option<String>>,
    pub(super) changed: Arc<Notify>,
}

/// What this pod wants of the list, whether Redis has heard of it or not. No instance is in both.
#[derive(Debug, Default)]
struct Own {
    /// What was put and not removed, by instance.
    listed: HashMap<String, Listed>,
    /// What was removed, until Redis has taken it off.
    leaving: HashSet<String>,
}

#[derive(Debug)]
struct Listed {
    replica: Arc<Replica>,
    /// Whether Redis has said that it has it.
    confirmed: bool,
}

impl Own {
    fn find(&mut self, replica: &Arc<Replica>) -> Option<&mut Listed> {
        self.listed.get_mut(&replica.instance).filter(|listed| Arc::ptr_eq(&listed.replica, replica))
    }
}

impl Copy {
    pub(super) fn new() -> Self {
        Self {
            snapshot: watch::Sender::new(Arc::from([])),
            own: Mutex::default(),
            version: tokio::sync::Mutex::default(),
            changed: Arc::new(Notify::new()),
        }
    }
}

impl Directory for RedisStore {
    async fn put(&self, replica: Arc<Replica>) -> Result<(), Error> {
        let length = replica.instance.len();
        if !(1..=128).contains(&length) {
            return Err(Error::Instance { length });
        }
        {
            let mut own = lock(&self.inner.directory.own);
            own.leaving.remove(&replica.instance);
            let listed = Listed { replica: Arc::clone(&replica), confirmed: false };
            own.listed.insert(replica.instance.clone(), listed);
        }
        let version = self.inner.put_replica(&replica).await?;
        self.inner.refresh(Some(version)).await
    }

    async fn remove(&self, replica: &Arc<Replica>) -> Result<(), Error> {
        {
            let mut own = lock(&self.inner.directory.own);
            if own.find(replica).is_none() {
                return Ok(());
            }
            own.listed.remove(&replica.instance);
            own.leaving.insert(replica.instance.clone());
        }
        self.inner.take_off(&replica.instance).await
    }

    fn watch(&self) -> watch::Receiver<Snapshot> {
        self.inner.directory.snapshot.subscribe()
    }
}

impl Inner {
    /// Keeps the copy and this pod's lease for as long as it is polled.
    pub(super) async fn keep_directory(&self) {
        let mut beat = tokio::time::interval(Duration::from_millis(self.directory_lease_ms / 3));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut availability = self.link.availability();
        loop {
            let result = tokio::select! {
                _ = beat.tick() => self.beat().await,
                () = self.directory.changed.notified() => self.refresh(None).await,
                // After a loss, what is listed may not be there any more.
                Ok(()) = availability.changed() => {
                    let up = availability.borrow_and_update().is_up();
                    if up { self.beat().await } else { Ok(()) }
                }
            };
            if let Err(error) = result {
                tracing::debug!(%error, "the directory could not be read");
            }
        }
    }

    pub(super) async fn beat(&self) -> Result<(), Error> {
        let leaving: Vec<_> = lock(&self.directory.own).leaving.iter().cloned().collect();
        for instance in leaving {
            self.take_off(&instance).await?;
        }
        let version = self.change("beat", |request| request).await?;
        self.refresh(Some(version)).await
    }

    async fn take_off(&self, instance: &str) -> Result<(), Error> {
        let version = self.change("remove", |request| request.arg(instance)).await?;
        lock(&self.directory.own).leaving.remove(instance);
        self.refresh(Some(version)).await
    }

    /// The list's version afterwards. One for which there is no room is not wanted any more.
    async fn put_replica(&self, replica: &Arc<Replica>) -> Result<String, Error> {
        let (payload, limit) = (encode(replica), self.bounds.replicas);
        let more = |request: Request| request.arg(&replica.instance).arg(&payload[..]).arg(limit);
        let result = self.change("put", more).await;
        let mut own = lock(&self.directory.own);
        if let Some(listed) = own.find(replica) {
            match result {
                Ok(_) => listed.confirmed = true,
                Err(Error::Full { .. }) => _ = own.listed.remove(&replica.instance),
                Err(_) => {}
            }
        }
        drop(own);
        result
    }

    /// Asks for a change of the list; its version afterwards.
    async fn change(&self, what: &str, more: impl FnOnce(Request) -> Request) -> Result<String, Error> {
        let keys_ttl = (self.directory_lease_ms * 10).max(3_600_000);
        let request = Request::script(&scripts::REPLICAS, &self.keys.directory())
            .arg(what)
            .arg(LogEpoch::fresh()?.to_string())
            .arg(self.pod.as_str())
            .arg(self.directory_lease_ms)
            .arg(keys_ttl)
            .arg(self.keys.changes())
            .arg(self.publish_command());
        let mut reply = Reply::parse(self.link.run(more(request)).await?)?;
        match reply.plain_word() {
            "ok" => reply.next(),
            "full" => Err(Error::Full { limit: self.bounds.replicas }),
            _ => Err(reply.strange()),
        }
    }

    /// Reads the list unless it is of this version already, and lists again what of this pod is missing.
    async fn refresh(&self, version: Option<String>) -> Result<(), Error> {
        let mut known = self.directory.version.lock().await;
        let confirmed = lock(&self.directory.own).listed.values().all(|listed| listed.confirmed);
        if confirmed && version.is_some() && *known == version {
            return Ok(());
        }
        loop {
            let request = Request::script(&scripts::LIST, &self.keys.directory());
            let mut reply = Reply::parse(self.link.run(request).await?)?;
            let (version, entries): (String, Vec<Value>) = (reply.next()?, reply.next()?);
            let list = parse(entries)?;
            let missing: Vec<_> = lock(&self.directory.own)
                .listed
                .iter()
                .filter(|(instance, listed)| {
                    !listed.confirmed || !list.iter().any(|replica| replica.instance == **instance)
                })
                .map(|(_, listed)| Arc::clone(&listed.replica))
                .collect();
            if missing.is_empty() {
                *known = Some(version);
                self.directory.snapshot.send_if_modified(|snapshot| {
                    let changed = **snapshot != *list;
                    if changed {
                        *snapshot = list.into();
                    }
                    changed
                });
                return Ok(());
            }
            for replica in missing {
                self.put_replica(&replica).await?;
            }
        }
    }
}

fn encode(replica: &Replica) -> Vec<u8> {
    let mut bytes = format!("{:05}{}", replica.address.len(), replica.address).into_bytes();
    bytes.extend(replica.description.encode_to_vec());
    bytes
}

/// The list in the order in which instances became known.
fn parse(entries: Vec<Value>) -> Result<Vec<Arc<Replica>>, Error> {
    let bad = || damaged("a replica of the directory");
    let mut list = Vec::with_capacity(entries.len() / 2);
    let mut entries = entries.into_iter();
    while let (Some(instance), Some(entry)) = (entries.next(), entries.next()) {
        let text = |value| ::redis::from_redis_value::<String>(value).map_err(|_| bad());
        let entry = ::redis::from_redis_value::<Bytes>(entry).map_err(|_| bad())?;
        list.push(decode(text(instance)?, &entry).ok_or_else(bad)?);
    }
    list.sort_unstable_by_key(|(turn, _)| *turn);
    Ok(list.into_iter().map(|(_, replica)| replica).collect())
}

/// 16 digits of turn, 3 of the pod's length, the pod, 5 of the address's length, the address, the description.
fn decode(instance: String, entry: &Bytes) -> Option<(u64, Arc<Replica>)> {
    let text = |range| std::str::from_utf8(entry.get(range)?).ok();
    let turn = text(0..16)?.parse().ok()?;
    let pod_end = 19 + text(16..19)?.parse::<usize>().ok()?;
    let address_start = pod_end + 5;
    let address_end = address_start + text(pod_end..address_start)?.parse::<usize>().ok()?;
    let address = text(address_start..address_end)?.to_owned();
    let description = pb::Description::decode(entry.slice(address_end..)).ok()?;
    Some((turn, Arc::new(Replica { instance, address, description })))
}
