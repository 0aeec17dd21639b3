//! Who is at the other end of an accepted connection, as far as the connection itself can tell.

use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// The other end of a connection; in the extensions of each of its requests.
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    certificates: Arc<OnceLock<Vec<CertificateDer<'static>>>>,
    settled: Arc<AtomicBool>,
}

impl Peer {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, certificates: Arc::default(), settled: Arc::default() }
    }

    /// The socket's other address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that it has shown and proved to be its own, and behind it those of issuers. Empty without one.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        self.certificates.get().map_or(&[], |chain| chain)
    }

    pub(crate) fn has_shown(&self, chain: &[CertificateDer<'_>]) {
        let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        // A connection makes one handshake.
        let _ = self.certificates.set(chain);
    }

    /// It has asked for something that it may have: its connection may stay.
    pub fn settle(&self) {
        self.settled.store(true, Relaxed);
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Relaxed)
    }
}
