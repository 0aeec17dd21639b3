//! TLS on the client port: who the gateway is, whom it asks for a certificate, and the handshake. Certificates and keys are
//! read again when their files change; nobody who is connected notices.

mod certificates;
mod failure;
mod follow;
mod material;
mod session;
mod space;
mod suites;

pub(crate) use failure::Failure;
pub(crate) use follow::{Follower, Judge};
pub(crate) use session::Session;
pub(crate) use suites::names as suite_names;

pub use transport::TlsError;

use auth::{CertificateRules, Identity};
use rustls::ServerConfig;
use std::fmt;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// What is in force, and changes with the files.
pub(crate) type InForce = watch::Receiver<Arc<ServerConfig>>;

/// A handshake that came to nothing.
pub(crate) struct Failed {
    pub(crate) reason: Failure,
    /// Unless it broke.
    pub(crate) socket: Option<TcpStream>,
}

impl<E: Into<Failure>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { reason: error.into(), socket: None }
    }
}

/// The client port.
pub(crate) struct Port {
    in_force: InForce,
    rules: CertificateRules,
}

impl Port {
    pub(crate) const fn new(in_force: InForce, rules: CertificateRules) -> Self {
        Self { in_force, rules }
    }

    /// Whose certificate the client has shown, if a rule says so.
    pub(crate) fn holder(&self, session: &Session) -> Option<Identity> {
        self.rules.identify(session.peer_certificates().first()?)
    }

    /// Makes the handshake with whoever has come.
    ///
    /// # Errors
    /// Why there is no session.
    ///
    /// # Cancel safety
    /// The socket is lost with the future.
    pub(crate) async fn accept(&self, socket: TcpStream) -> Result<Box<Session>, Failed> {
        let mut first = [0];
        // A request line begins with a method.
        if socket.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
            return Err(Failed { reason: Failure::Plain, socket: Some(socket) });
        }
        let config = Arc::clone(&self.in_force.borrow());
        let mut session = Box::new(Session::new(socket, config)?);
        match session.shake_hands().await {
            Ok(()) => Ok(session),
            Err(reason) => Err(Failed { reason, socket: Some(session.give_up().await) }),
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").finish_non_exhaustive()
    }
}
