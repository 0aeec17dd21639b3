//! The settings in force: read again when somebody asks, and handed to whoever goes by them. A reading that is wrong changes
//! nothing.

use super::issuers::{self, Follower};
use super::{Backends, follow_addresses, follow_api_keys, follow_configured};
use crate::audit::Event;
use crate::config::{Change, Config, Loaded, Shown};
use crate::gateway::Error;
use crate::logging;
use crate::mail::Memo;
use crate::pod::Pod;
use crate::reload::{By, Level, Order};
use crate::tasks::Tasks;
use crate::terms::Terms;
use metrics::Reload;
use router::Dialer;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

/// Whoever keeps the settings.
pub(crate) struct Settings {
    loaded: Loaded,
    terms: Terms,
    in_force: watch::Sender<Arc<Config>>,
    pod: Arc<Pod>,
    shards: Vec<mpsc::Sender<Memo>>,
    backends: Arc<Backends>,
    dialer: Dialer,
    /// The backends that are listed; each is followed until its sender is dropped.
    listed: BTreeMap<String, oneshot::Sender<()>>,
    following: Tasks,
    /// Who follows files and issuers of these terms.
    followers: Tasks,
    /// A level that an operator asked for, and when it ends.
    level: Option<(String, Option<Instant>)>,
}

impl Settings {
    /// Those that a gateway starts with, and the followers of its issuers' keys.
    pub(crate) fn new(
        loaded: Loaded,
        terms: Terms,
        (pod, shards): (Arc<Pod>, Vec<mpsc::Sender<Memo>>),
        (backends, dialer): (Arc<Backends>, Dialer),
        followers: Vec<(Follower, Duration)>,
    ) -> Self {
        let mut settings = Self {
            in_force: watch::Sender::new(Arc::clone(&terms.config)),
            loaded,
            terms,
            pod,
            shards,
            backends,
            dialer,
            listed: BTreeMap::new(),
            following: Tasks::default(),
            followers: Tasks::default(),
            level: None,
        };
        settings.pod.metrics.config_read.set(unix_now());
        settings.follow(followers);
        settings
    }

    /// What is in force, now and later.
    pub(crate) fn in_force(&self) -> watch::Receiver<Arc<Config>> {
        self.in_force.subscribe()
    }

    /// Does what is asked, for as long as it is polled.
    pub(crate) async fn keep(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let ends = self.level.as_ref().and_then(|(_, ends)| *ends);
            tokio::select! {
                Some(order) = orders.recv() => self.obey(order).await,
                () = tokio::time::sleep_until(ends.unwrap_or_else(Instant::now)), if ends.is_some() => {
                    self.log_as_configured();
                }
                else => return,
            }
        }
    }

    /// Whoever asked may be gone.
    async fn obey(&mut self, order: Order) {
        match order {
            Order::Reload(by, answer) => {
                let outcome = self.reload().await;
                self.tell(&by, &outcome);
                if let Some(answer) = answer {
                    let _ = answer.send(outcome);
                }
            }
            Order::Show(answer) => {
                let shown = self.loaded.json(Shown { sources: true, changed: false });
                let _ = answer.send(shown.map_err(|error| error.to_string()));
            }
            Order::Level(by, level, lasts, answer) => {
                let outcome = logging::set(&level).map(|()| {
                    let until = lasts.map(|lasts| Instant::now() + lasts);
                    tracing::info!(
                        level,
                        for_s = lasts.map(|lasts| lasts.as_secs()),
                        "the log's level was set"
                    );
                    let entry = || by.entry(Event::LogLevel);
                    self.pod.audit.tell(|| entry().reason(level.clone()));
                    self.level = Some((level, until));
                    self.level()
                });
                let _ = answer.send(outcome);
            }
            Order::ShowLevel(answer) => {
                let _ = answer.send(Ok(self.level()));
            }
        }
    }

    /// Reads everything again, and puts in force what may change while the gateway runs.
    ///
    /// # Errors
    /// What is wrong. Then nothing has changed.
    async fn reload(&mut self) -> Result<Change, String> {
        // A file system may take its time, and nothing else here may wait for it.
        let (before, terms) = (self.loaded.clone(), self.terms.clone());
        let read = tokio::task::spawn_blocking(move || {
            let next = before.again()?;
            let (loaded, change) = before.changed_to(&next).map_err(|error| {
                format!("what would change now does not go with what waits for a restart: {error}")
            })?;
            logging::check(&loaded.config.log).map_err(|error| format!("log.level: {error}"))?;
            let terms = terms.renewed(Arc::new(loaded.config.clone())).map_err(|error| error.to_string())?;
            Ok::<_, String>((loaded, terms, change))
        });
        let (loaded, terms, change) = read.await.map_err(|error| error.to_string())??;
        let followers = issuers::start(&terms.verifier).await.map_err(|(issuer, problem)| {
            Error::Issuer { issuer, problem: problem.to_string() }.to_string()
        })?;
        // From here on nothing can go wrong.
        (self.loaded, self.terms) = (loaded, terms);
        self.pod.limit(Arc::clone(&self.terms.limits));
        self.hand_out().await;
        self.follow(followers);
        self.log_as_configured();
        self.in_force.send_replace(Arc::clone(&self.terms.config));
        Ok(change)
    }

    /// Comes back when all shards serve clients under these terms.
    async fn hand_out(&self) {
        let (taken_up, mut all) = mpsc::channel(1);
        for shard in &self.shards {
            // A shard that is gone has no clients.
            let _ = shard.send(Memo::Terms(Box::new(self.terms.clone()), taken_up.clone())).await;
            let _ = shard.send(Memo::Holders).await;
        }
        drop(taken_up);
        let _ = all.recv().await;
    }

    /// Follows what these terms name, and nothing else any longer.
    fn follow(&mut self, followers: Vec<(Follower, Duration)>) {
        self.followers = Tasks::default();
        for (follower, next) in followers {
            self.followers.spawn(follower.run(next));
        }
        self.followers.spawn(follow_addresses(Arc::clone(&self.terms.door)));
        if let Some(keys) = self.terms.verifier.api_keys() {
            self.followers.spawn(follow_api_keys(Arc::clone(keys), self.shards.clone()));
        }
        // They were looked at when they were read.
        let addresses = self.terms.config.backends.iter().filter_map(|listed| router::normalise(listed).ok());
        let mut before = std::mem::take(&mut self.listed);
        for address in addresses {
            let kept = before.remove(&address).unwrap_or_else(|| {
                let (keep, dropped) = oneshot::channel();
                let (backends, dialer) = (Arc::clone(&self.backends), self.dialer.clone());
                self.following.spawn(follow_configured(backends, address.clone(), dialer, dropped));
                keep
            });
            self.listed.insert(address, kept);
        }
    }

    fn log_as_configured(&mut self) {
        self.level = None;
        if let Err(reason) = logging::set(&self.terms.config.log.level) {
            tracing::debug!(reason, "the log's level stays");
        }
    }

    fn level(&self) -> Level {
        let configured = self.terms.config.log.level.clone();
        let (level, until) = self.level.clone().unwrap_or_else(|| (configured.clone(), None));
        let for_s =
            until.map(|until| until.saturating_duration_since(Instant::now()).as_secs_f64().ceil() as u64);
        Level { level, configured, for_s }
    }

    /// One line of the log, one of the audit log, and the counts.
    fn tell(&self, by: &By, outcome: &Result<Change, String>) {
        match outcome {
            Ok(change) => {
                self.pod.metrics.config_reloaded(Reload::Applied);
                self.pod.metrics.config_read.set(unix_now());
                let applied = change.applied.join(", ");
                let waiting: Vec<_> = change.restart_needed.iter().map(|waiting| &*waiting.key).collect();
                let waiting = waiting.join(", ");
                tracing::info!(applied, restart_needed = waiting, "the configuration was read again");
                let entry = || by.entry(Event::Reload);
                let reason = || format!("applied: {applied}; restart needed: {waiting}");
                self.pod.audit.tell(|| entry().reason(reason()));
            }
            Err(error) => {
                self.pod.metrics.config_reloaded(Reload::Refused);
                tracing::error!(error, "the configuration was not taken; nothing has changed");
                let entry = || by.entry(Event::ReloadRefused);
                self.pod.audit.tell(|| entry().reason(error.clone()));
            }
        }
    }
}

fn unix_now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}
