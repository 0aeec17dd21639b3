//! All processes of one run: Redis, pods, and a load balancer. Does to them what it is told, and knows no reason.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::balancer::Balancer;
use super::network::Network;
use super::redis::Redis;
use super::{Guard, Pod, Settings};
use crate::Keys;

/// Running processes. Dropped, they end.
#[derive(Debug)]
pub struct Fleet {
    /// In the order of their numbers.
    pods: Vec<Pod>,
    /// The store of all pods.
    redis: Redis,
    /// What tokens are signed with.
    pub keys: Keys,
    /// Where backends are to listen, so that every pod reaches them.
    pub host: Ipv4Addr,
    /// Of the last pod, if it has one of its own.
    network: Option<Arc<Network>>,
    balancer: Option<Balancer>,
    // Last, for when the end of the others hangs.
    guard: Guard,
}

impl Fleet {
    /// Starts all, pods at the same time. With `apart` the last pod is in a network of its own.
    ///
    /// # Errors
    /// A program is missing or does not start.
    pub fn start(settings: &Settings, apart: bool) -> Result<Self> {
        let folder = &settings.folder;
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        let guard = Guard::start(&if apart { Network::removal() } else { String::new() })?;
        let network = apart.then(Network::make).transpose()?.map(Arc::new);
        let redis = Redis::start(&guard, folder, network.as_ref().map(|network| network.redis.here))?;
        let keys = Keys::fresh();
        let secret = folder.join("secret");
        std::fs::write(&secret, keys.secret())?;

        let mut pods = Vec::new();
        for number in 1..=settings.pods {
            let network = network.clone().filter(|_| number == settings.pods);
            let server = redis.address(network.as_ref().map_or(Ipv4Addr::LOCALHOST, |it| it.redis.here));
            pods.push(Pod::new(number, settings, folder, network, &server, &secret)?);
        }
        for pod in &mut pods {
            pod.start(&guard)?;
        }
        let host = network.as_ref().map_or(Ipv4Addr::LOCALHOST, |network| network.clients.here);
        Ok(Self { pods, redis, keys, host, network, balancer: None, guard })
    }

    /// Puts HAProxy in front of the pods; the address for clients.
    ///
    /// # Errors
    /// HAProxy is missing or does not start.
    pub fn balance(&mut self, folder: &Path) -> Result<String> {
        let balancer = Balancer::start(&self.guard, folder, &self.pods)?;
        let url = url(balancer.address);
        self.balancer = Some(balancer);
        Ok(url)
    }

    /// Where backends register, at every pod.
    pub fn registries(&self) -> Vec<String> {
        self.pods.iter().map(|pod| format!("http://{}", pod.grpc)).collect()
    }

    /// Where clients of each pod connect, as URLs.
    pub(super) fn urls(&self) -> Vec<String> {
        self.pods.iter().map(|pod| url(pod.clients)).collect()
    }

    /// Where clients of each pod connect.
    pub fn clients(&self) -> Vec<SocketAddr> {
        self.pods.iter().map(|pod| pod.clients).collect()
    }

    /// How many pods there are.
    pub fn size(&self) -> usize {
        self.pods.len()
    }

    /// Kills the pod in this place with SIGKILL. It is gone on return.
    pub fn kill(&mut self, pod: usize) {
        self.pods[pod].kill();
    }

    /// Asks the pod in this place to end, and waits until it has.
    ///
    /// # Errors
    /// It does not end in time, or not well.
    pub fn terminate(&mut self, pod: usize) -> Result<()> {
        self.pods[pod].terminate().with_context(|| format!("pod {} does not end", pod + 1))
    }

    /// Starts the pod in this place again.
    ///
    /// # Errors
    /// It does not get ready.
    pub fn restart(&mut self, pod: usize) -> Result<()> {
        self.pods[pod].start(&self.guard).with_context(|| format!("pod {} does not come back", pod + 1))
    }

    /// Kills Redis.
    pub fn kill_redis(&mut self) {
        self.redis.kill();
    }

    /// Starts Redis again, with what it had written or with nothing.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart_redis(&mut self, empty: bool) -> Result<()> {
        if empty { self.redis.restart_empty(&self.guard) } else { self.redis.restart(&self.guard) }
    }

    /// Cuts the last pod off from Redis.
    ///
    /// # Errors
    /// It has no network of its own.
    pub fn cut_off(&self) -> Result<()> {
        self.network()?.cut()
    }

    /// Connects the last pod with Redis again.
    ///
    /// # Errors
    /// It has no network of its own.
    pub fn heal(&self) -> Result<()> {
        self.network()?.heal()
    }

    /// Breaks off every connection through the load balancer to the pod in this place.
    ///
    /// # Errors
    /// There is no load balancer, or it does not take the order.
    pub fn break_off(&self, pod: usize) -> Result<()> {
        self.balancer.as_ref().context("there is no load balancer")?.break_off(pod)
    }

    /// Waits until every pod takes clients.
    ///
    /// # Errors
    /// One does not within `limit`.
    pub fn await_ready(&self, limit: Duration) -> Result<()> {
        let start = std::time::Instant::now();
        while !self.pods.iter().all(Pod::is_ready) {
            anyhow::ensure!(start.elapsed() < limit, "not all pods are ready after {limit:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn network(&self) -> Result<&Network> {
        self.network.as_deref().context("no pod has a network of its own")
    }
}

fn url(address: SocketAddr) -> String {
    format!("ws://{address}/ws")
}
