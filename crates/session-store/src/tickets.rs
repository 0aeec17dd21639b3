//! What may be taken once, by whoever brings its ticket. It knows neither what it is nor who brings it.
use std::fmt;
use std::future::Future;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::{Error, ResumeToken, bounds};

/// 256 random bits that are given to one client alone. It prints as nothing but its type.
#[derive(Clone)]
pub struct Ticket(ResumeToken);

impl Ticket {
    /// A ticket that nobody can guess.
    ///
    /// # Errors
    /// [`Error::Randomness`] where the operating system gives none.
    pub fn fresh() -> Result<Self, Error> {
        ResumeToken::fresh().map(Self)
    }

    /// The ticket that a client presents; `None` if it is none at all.
    pub fn parse(text: &str) -> Option<Self> {
        ResumeToken::parse(text).map(Self)
    }

    /// The ticket as the client gets it: 43 characters of unpadded base64url.
    pub fn reveal(&self) -> String {
        self.0.reveal()
    }

    /// What a store knows it by, so that whoever reads the store has no ticket: SHA-256 in hexadecimal digits.
    pub(crate) fn name(&self) -> String {
        let digest = Sha256::new().chain_update(b"mcpw ticket").chain_update(self.0.as_bytes()).finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

/// Where what tickets stand for is kept, for all pods.
///
/// Contract: of all who take a ticket at any pod one gets what it stands for, unless its time is over or the store loses
/// what it has.
///
/// # Cancel safety
/// A dropped future has either taken effect or not.
pub trait Tickets: Send + Sync + 'static {
    /// Keeps what a fresh ticket stands for.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than 64 KiB, and in memory [`Error::Full`] while as many tickets as
    /// [`Bounds::sessions`](crate::Bounds::sessions) are kept. Nothing was kept then.
    fn keep(
        &self,
        ticket: &Ticket,
        what: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Takes what a ticket stands for; none if there is no such ticket any more.
    ///
    /// # Errors
    /// None but the store's own. What was taken is then lost, or still there.
    fn take(&self, ticket: &Ticket) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;
}

pub(crate) fn check(what: &[u8]) -> Result<(), Error> {
    bounds::size("what a ticket stands for", 65_536, what.len())
}
