//! Follows the files of TLS for as long as the gateway runs. Whatever goes wrong, the last good ones stay.

use super::InForce;
use super::material::{Judgement, Material};
use crate::config::Tls;
use crate::reload::Asked;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;
use rustls::server::danger::ClientCertVerifier;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use transport::TlsError;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A certificate and its key change one after the other: files are judged when they have stayed the same for so long.
const SETTLE: Duration = Duration::from_millis(100);

/// What clients' certificates are judged by now and later, where they are asked for.
pub(crate) type Judge = watch::Receiver<Option<Arc<dyn ClientCertVerifier>>>;

/// The files, and what they make.
pub(crate) struct Follower {
    settings: Tls,
    /// What is spoken above TLS, as ALPN names it.
    protocol: &'static str,
    tickets: Arc<dyn ProducesTickets>,
    in_force: watch::Sender<Arc<ServerConfig>>,
    judge: watch::Sender<Option<Arc<dyn ClientCertVerifier>>>,
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
    pub(crate) fn start(settings: &Tls, protocol: &'static str) -> Result<Self, TlsError> {
        let tickets = Ticketer::new()
            .map_err(|error| TlsError::Settings(format!("no key for session tickets: {error}")))?;
        let judged = Material::read(settings)?;
        let Judgement { config, expiry, verifier } = judged.judge(settings, protocol, &tickets)?;
        Ok(Self {
            settings: settings.clone(),
            protocol,
            tickets,
            in_force: watch::Sender::new(Arc::new(config)),
            judge: watch::Sender::new(verifier),
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

    /// What clients' certificates are judged by, now and later.
    pub(crate) fn judge(&self) -> Judge {
        self.judge.subscribe()
    }

    /// Goes on for as long as it is polled. Tells when the first certificate expires.
    pub(crate) async fn run(mut self, mut asked_for: Asked, tell_expiry: impl Fn(u64)) {
        tell_expiry(self.expiry);
        let mut changed: Option<Material> = None;
        loop {
            let pause = if changed.is_some() { SETTLE } else { LOOK };
            let asked = tokio::select! {
                () = tokio::time::sleep(pause) => false,
                () = asked_for.next() => true,
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
                    tell_expiry(self.expiry);
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
        let judgement = material.judge(&self.settings, self.protocol, &self.tickets);
        self.judged = material;
        self.taken = judgement.is_ok();
        match judgement {
            Ok(Judgement { config, expiry, verifier }) => {
                self.expiry = expiry;
                self.told.clear();
                self.in_force.send_replace(Arc::new(config));
                self.judge.send_replace(verifier);
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
