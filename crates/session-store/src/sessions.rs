//! Sessions: whose they are, who holds them, and the little that a resume needs. It knows no connection.
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::{Epoch, Error, PodId, SessionId, TokenHash};

/// A session to be created.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    /// Its id, which nobody has used.
    pub id: SessionId,
    /// Whose it is: the tenant.
    pub tenant: &'a str,
    /// Whose it is: the agent.
    pub agent: &'a str,
    /// The hash of its first resume token.
    pub token: TokenHash,
    /// The pod that holds it.
    pub pod: &'a PodId,
    /// Its first state, as in [`Sessions::save`].
    pub state: &'a [u8],
}

/// A client that asks for its session.
#[derive(Clone, Copy, Debug)]
pub struct Resume<'a> {
    /// The session it asks for.
    pub id: SessionId,
    /// Its tenant, freshly authenticated.
    pub tenant: &'a str,
    /// Its agent, freshly authenticated.
    pub agent: &'a str,
    /// The hash of the token that it presents.
    pub presented: TokenHash,
    /// The hash of the token that it gets from now on.
    pub next: TokenHash,
    /// Which repetition of this attempt it is: of two with the same next token, the one with the higher turn is the later.
    pub turn: u32,
    /// The pod that it came to.
    pub pod: &'a PodId,
}

/// What became of a resume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// The session is held by the asking pod alone.
    Taken {
        /// The raised epoch; every write of the pod carries it.
        epoch: Epoch,
        /// The pod that held it before, also if it was the same; it may write no more.
        previous: PodId,
        /// Whether the previous pod had detached it.
        detached: bool,
        /// What was saved last.
        state: Bytes,
    },
    /// Nothing was changed.
    Refused(Refusal),
}

/// Why a session is not given out. A client is told that it was refused, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No such session: it ended, its resume window has passed, or it never was.
    Unknown,
    /// It belongs to another tenant or agent.
    Foreign,
    /// The token is not the latest that was given out.
    Token,
    /// The same attempt was made again since, and has the session: this one was held back on its way.
    Late,
}

/// What the store knows of a session, for whoever looks and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whose it is: the tenant.
    pub tenant: String,
    /// Whose it is: the agent.
    pub agent: String,
    /// The pod that holds it, or held it last.
    pub pod: PodId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// Whether a client is connected to it, as far as its pod has said.
    pub attached: bool,
    /// After how long it is forgotten if nothing happens.
    pub left: Duration,
    /// What was saved last.
    pub state: Bytes,
    /// Calls in its journal that run.
    pub running: usize,
    /// Calls in its journal that have ended and were not acknowledged.
    pub ended: usize,
    /// Bytes of their outcomes.
    pub bytes: usize,
}

/// Where sessions outlive their connections.
///
/// Contract: a session has one holder; each write carries the holder's epoch and is refused with
/// [`Error::Stale`] if another has resumed it since; each write about a session that is not there is
/// [`Error::Unknown`]. A session that is attached and idle costs nothing.
///
/// # Cancel safety
/// A dropped future has either taken effect or not; nothing is half-written.
pub trait Sessions: Send + Sync + 'static {
    /// Enters a session, attached, for [`Bounds::attached_ttl_ms`](crate::Bounds::attached_ttl_ms).
    ///
    /// # Errors
    /// [`Error::Exists`] if the id is taken, [`Error::TooLarge`] for a state or an identity over its bound,
    /// [`Error::Full`] from a memory store at its bound.
    fn create(&self, session: NewSession<'_>) -> impl Future<Output = Result<Epoch, Error>> + Send;

    /// Puts a session that its holder still has back as it knows it, after a loss of the store: with this token
    /// and state, attached at this pod, under this epoch. Its journal counts as one that has lost entries, as in
    /// [`Begin::Doubtful`](crate::Begin::Doubtful). If the store still has the session, its journal is kept. It
    /// may be repeated.
    ///
    /// # Errors
    /// [`Error::Stale`] if the store has the session under a higher epoch, or under this one with another token:
    /// a client has come back to another pod since the loss. [`Error::Exists`] if the session belongs to another
    /// tenant or agent, [`Error::TooLarge`] and [`Error::Full`] as in [`Sessions::create`].
    fn restore(
        &self,
        session: NewSession<'_>,
        epoch: Epoch,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Takes a session over if identity and token are right: raises its epoch, rotates its token, attaches it.
    /// After an answer that was lost, the same resume, told by its next token, is made once more with a higher turn, at
    /// whichever pod. One with a turn that is not higher than the one that took effect changes nothing.
    ///
    /// # Errors
    /// None but the store's own; a refusal is [`Resumed::Refused`].
    fn resume(&self, resume: Resume<'_>) -> impl Future<Output = Result<Resumed, Error>> + Send;

    /// Prolongs an attached session to the full time again.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unknown`].
    fn prolong(&self, id: SessionId, epoch: Epoch) -> impl Future<Output = Result<(), Error>> + Send;

    /// Notes that its connection is gone: the session is kept for `window` from now on, its journal with it.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unknown`].
    fn detach(
        &self,
        id: SessionId,
        epoch: Epoch,
        window: Duration,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Forgets a session and its journal. One that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Stale`].
    fn end(&self, id: SessionId, epoch: Epoch) -> impl Future<Output = Result<(), Error>> + Send;

    /// Replaces the session's state: its subscriptions, in the caller's own encoding.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unknown`], [`Error::TooLarge`] over
    /// [`Bounds::state_bytes`](crate::Bounds::state_bytes).
    fn save(
        &self,
        id: SessionId,
        epoch: Epoch,
        state: &[u8],
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Looks at a session; `None` if there is none. It changes nothing, and any pod may ask.
    ///
    /// # Errors
    /// None but the store's own.
    fn look(&self, id: SessionId) -> impl Future<Output = Result<Option<Seen>, Error>> + Send;
}
