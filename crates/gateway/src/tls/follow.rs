//! Follows the files of TLS for as long as the gateway runs. Whatever goes wrong, the last good ones stay.

use super::InForce;
use super::error::TlsError;
use super::material::Material;
use crate::config::Tls;
use crate::pod::Pod;
use crate::reload::Reload;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A certificate and its key change one after the other: files are judged when they have stayed the same for so long.
const SETTLE: Duration = Duration::from_millis(100);

/// The files, and what they make.
pub(crate) struct Follower {
    settings: Tls,
    tickets: Arc<dyn ProducesTickets>,
    in_force: watch::Sender<Arc<ServerConfig>>,
    /// When its first certificate expires, in Unix seconds.
    expiry: u64,
    /// What was judged last.
    judged: Material,
    /// Whether it is in force.
    taken: bool,
    /// The last failure that was told.
    told: String,
}

impl Follower {
    /// Reads everything once.
    ///
    /// # Errors
    /// What is wrong with a file, or that they don't go together.
    pub(crate) fn start(settings: &Tls) -> Result<Self, TlsError> {
        let tickets = Ticketer::new()
            .map_err(|error| TlsError::Settings(format!("no key for session tickets: {error}")))?;
        let judged = Material::read(settings)?;
        let (config, expiry) = judged.judge(settings, &tickets)?;
        Ok(Self {
            settings: settings.clone(),
            tickets,
            in_force: watch::Sender::new(Arc::new(config)),
            expiry,
            judged,
            taken: true,
            told: String::new(),
        })
    }

    /// What is in force, now and later.
    pub(crate) fn in_force(&self) -> InForce {
        self.in_force.subscribe()
    }

    /// Goes on for as long as it is polled.
    pub(crate) async fn run(mut self, reload: Reload, pod: Arc<Pod>) {
        pod.metrics.certificate_expiry(self.expiry);
        let mut changed: Option<Material> = None;
        loop {
            let pause = if changed.is_some() { SETTLE } else { LOOK };
            let asked = tokio::select! {
                () = tokio::time::sleep(pause) => false,
                () = reload.certificates() => true,
            };
            if asked {
                self.told.clear();
            }
            match self.read().await {
                Err(error) => {
                    changed = None;
                    self.tell(&error);
                }
                Ok(material) if asked || changed.as_ref() == Some(&material) => {
                    changed = None;
                    self.take(material);
                    pod.metrics.certificate_expiry(self.expiry);
                }
                Ok(material) if material == self.judged => {
                    changed = None;
                    if self.taken {
                        self.told.clear();
                    }
                }
                Ok(material) => changed = Some(material),
            }
        }
    }

    fn take(&mut self, material: Material) {
        let judgement = material.judge(&self.settings, &self.tickets);
        self.judged = material;
        self.taken = judgement.is_ok();
        match judgement {
            Ok((config, expiry)) => {
                self.expiry = expiry;
                self.told.clear();
                self.in_force.send_replace(Arc::new(config));
                tracing::info!(expiry, "certificates and keys were read again");
            }
            Err(error) => self.tell(&error),
        }
    }

    /// Logs a failure once for as long as it stays the same.
    fn tell(&mut self, error: &TlsError) {
        let error = error.to_string();
        if error != self.told {
            tracing::error!(error, "certificates and keys were not taken; the last good ones stay");
            self.told = error;
        }
    }

    /// A file system may take its time, and nothing else here may wait for it.
    async fn read(&self) -> Result<Material, TlsError> {
        let settings = self.settings.clone();
        let read = tokio::task::spawn_blocking(move || Material::read(&settings)).await;
        read.unwrap_or_else(|error| Err(TlsError::Settings(format!("the files were not read: {error}"))))
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("settings", &self.settings).finish_non_exhaustive()
    }
}
