//! The call journal: which calls of a session have begun, who runs them, and how they ended. It guesses
//! no outcome, and does not know what a call does.
use std::future::Future;

use bytes::Bytes;

use crate::{Epoch, Error, PodId, SessionId};

/// A call that is about to be sent to a backend.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Whose call.
    pub session: SessionId,
    /// The session's epoch, as its holder knows it.
    pub epoch: Epoch,
    /// The request's id as its JSON token, which tells `1` from `"1"`.
    pub request: &'a str,
    /// The pod that is going to run it.
    pub pod: &'a PodId,
    /// Whether it may be executed twice: it is declared read-only or idempotent.
    pub repeatable: bool,
    /// Tells one attempt to begin it from every other: one whose answer was lost is made again with the same number, and
    /// begins then. Above 0.
    pub attempt: u64,
    /// Whether the client has sent this id before, and so names it as unanswered in a resume.
    pub resent: bool,
}

/// Whether a call may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It is entered as running at the calling pod, and has to be executed and finished by it.
    Begun,
    /// It is running, and not to be executed.
    Running {
        /// Where; also the calling pod itself.
        pod: PodId,
    },
    /// It ended like this.
    Done(Bytes),
    /// It ended, but its outcome was too large to be kept: nobody knows it any more.
    Forgotten,
    /// A resent call that is not repeatable and not in the journal, which has lost entries since the session
    /// was created, or was restored: it may have been executed. Nothing was entered.
    Doubtful,
    /// Every place of the journal is taken by a running call. Nothing was entered.
    Full,
}

/// Whether an outcome was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is kept until the client acknowledges it or a bound passes.
    Stored {
        /// The pod that holds the session at that moment, and so may have a client that waits for it.
        holder: PodId,
    },
    /// The call is noted as ended; its outcome is over the journal's bound and was not kept.
    Forgotten {
        /// As in [`Finish::Stored`].
        holder: PodId,
    },
    /// The call is not this pod's to finish: another has taken it over, or it ended already.
    NotOwner,
    /// The call is in no journal: its session ended, or the store came back empty.
    Unknown,
}

/// What became of an attempt to take a call over from a dead pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// The calling pod owns it now, and has to finish it: after executing it anew if it is repeatable, with an
    /// outcome that says that nobody knows if it is not.
    Taken {
        /// As it was begun.
        repeatable: bool,
    },
    /// Another pod owns it.
    NotOwner {
        /// Which.
        pod: PodId,
    },
    /// It ended like this.
    Done(Bytes),
    /// It ended, but its outcome is not kept.
    Forgotten,
    /// It is not in the journal.
    Unknown,
}

/// What the journal has about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is running.
    Running {
        /// Where.
        pod: PodId,
        /// As it was begun.
        repeatable: bool,
    },
    /// It ended like this.
    Done(Bytes),
    /// It ended, but its outcome is not kept.
    Forgotten,
}

/// Where calls are entered before they are sent.
///
/// Contract: of all attempts to begin a request, one gets [`Begin::Begun`] as long as the journal keeps the
/// entry; of all attempts to take it over from one pod, one gets [`Takeover::Taken`]; only the owner's outcome
/// is stored, and only once. A journal keeps
/// [`Bounds::journal_calls`](crate::Bounds::journal_calls) calls (the oldest that ended makes room for a new
/// one), [`Bounds::journal_bytes`](crate::Bounds::journal_bytes) of outcomes (the oldest outcomes make room,
/// and their calls are kept as [`Entry::Forgotten`]), and outcomes for
/// [`Bounds::journal_age_ms`](crate::Bounds::journal_age_ms). It ends with its session.
///
/// # Cancel safety
/// A dropped future has either taken effect or not. A begin that was dropped has to be begun again: it then
/// finds the call running at its own pod.
pub trait Journal: Send + Sync + 'static {
    /// Enters a call, or says what is known of it.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unknown`] without the session, [`Error::TooLarge`] for an id over 1,024 bytes.
    fn begin(&self, call: Call<'_>) -> impl Future<Output = Result<Begin, Error>> + Send;

    /// Stores how a call ended. The pod that owns it may do so also when the session has moved.
    ///
    /// # Errors
    /// None but the store's own.
    fn finish(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        outcome: &[u8],
    ) -> impl Future<Output = Result<Finish, Error>> + Send;

    /// Makes `pod` the owner, by the attempt 0, of a call that runs at `dead`, whose lease is known to be gone.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unknown`] without the session.
    fn take_over(
        &self,
        session: SessionId,
        epoch: Epoch,
        request: &str,
        dead: &PodId,
        pod: &PodId,
    ) -> impl Future<Output = Result<Takeover, Error>> + Send;

    /// Forgets calls whose outcome the client has. Calls that are running, or not there, are left alone.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unknown`] without the session.
    fn acknowledge(
        &self,
        session: SessionId,
        epoch: Epoch,
        requests: &[&str],
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Forgets every call that ended but these: what a client that resumes does not name as unanswered, it has.
    /// No doubt is left about what is forgotten so.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unknown`] without the session.
    fn acknowledge_all_but(
        &self,
        session: SessionId,
        epoch: Epoch,
        unanswered: &[&str],
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Forgets a call that this pod owns by this attempt and is not going to execute. Any other is left alone.
    ///
    /// # Errors
    /// None but the store's own.
    fn withdraw(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        attempt: u64,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// What is known of each of these requests, in their order.
    ///
    /// # Errors
    /// None but the store's own; a session that is not there has no entries.
    fn lookup(
        &self,
        session: SessionId,
        requests: &[&str],
    ) -> impl Future<Output = Result<Vec<Option<Entry>>, Error>> + Send;
}
