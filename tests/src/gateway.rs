//! A gateway in this process, on threads of its own. Dropped, it stops at once.

use crate::{Endpoints, Keys, PATIENCE};
use gateway::Config;
use std::ops::Deref;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    endpoints: Endpoints,
    drain: Option<oneshot::Sender<()>>,
    stop: Option<oneshot::Sender<()>>,
    ended: mpsc::Receiver<Result<(), gateway::Error>>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    /// A gateway with the default settings, but for its ports, which are free ones, and its key.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// A gateway with other settings.
    ///
    /// # Panics
    /// It does not start with them.
    pub fn with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::with_keys(Keys::fresh(), configure)
    }

    /// A gateway with other settings and this key.
    ///
    /// # Panics
    /// It does not start with them.
    pub fn with_keys(keys: Keys, configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = base();
        config.auth.keys.push(keys.settings());
        configure(&mut config);
        let bound = gateway::Gateway::bind(config).expect("the gateway can be bound");
        let address = "a bound socket has an address";
        let endpoints = Endpoints {
            clients: bound.client_address().expect(address),
            admin: bound.admin_address().expect(address),
            grpc: bound.grpc_address().expect(address),
            keys,
        };
        let (drain, drained) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ends, ended) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                let drained = async {
                    // A dropped sender is no wish to drain.
                    if drained.await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    outcome = bound.run(drained) => { let _ = ends.send(outcome); }
                    _ = stopped => {}
                }
            });
        });
        Self { endpoints, drain: Some(drain), stop: Some(stop), ended, thread: Some(thread) }
    }

    /// Asks the gateway to end as SIGTERM does.
    pub fn drain(&mut self) {
        if let Some(drain) = self.drain.take() {
            // It may have ended already.
            let _ = drain.send(());
        }
    }

    /// Waits until the gateway has ended by itself.
    ///
    /// # Panics
    /// It ends with an error, or not within [`PATIENCE`].
    pub fn await_end(&self) {
        let outcome = self.ended.recv_timeout(PATIENCE).expect("the gateway ends in time");
        outcome.expect("the gateway ends well");
    }
}

/// What every test's gateway has: free ports on loopback and no waiting for a load balancer.
pub(crate) fn base() -> Config {
    let mut config = Config::default();
    config.websocket.listen = ([127, 0, 0, 1], 0).into();
    config.admin.listen = ([127, 0, 0, 1], 0).into();
    config.registry.listen = ([127, 0, 0, 1], 0).into();
    config.drain.delay_ms = 0;
    config.runtime.shards = 2;
    config.runtime.pin = false;
    config
}

impl Deref for Gateway {
    type Target = Endpoints;

    fn deref(&self) -> &Endpoints {
        &self.endpoints
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the gateway's thread fails the test, unless it fails already.
            if thread.join().is_err() && !std::thread::panicking() {
                panic!("the gateway's thread panicked");
            }
        }
    }
}
