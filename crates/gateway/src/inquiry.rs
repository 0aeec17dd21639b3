//! What operators ask of shards, and what these answer. An ask names how much work it may be; a shard that is busy answers
//! late, and nobody waits on it for long.

use protocol::CloseCode;
use router::Seen;
use session_store::{Epoch, SessionId};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

pub(crate) use crate::session::{Line, Watch};

/// A question to one shard. The answer comes over the channel in it; if that closes first, there is none.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Some of its connections.
    Page(Page),
    /// Something of the one connection that it may have.
    One(Whom, Errand),
    /// How it sees the replicas of backends.
    Replicas(mpsc::Sender<Vec<Seen>>),
}

/// Which connections.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// From this place in the shard on.
    pub(crate) from: usize,
    pub(crate) filter: Arc<Filter>,
    pub(crate) answer: mpsc::Sender<Found>,
}

/// Connections that fit, and from which place on there may be more.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) reports: Vec<Report>,
    pub(crate) next: Option<usize>,
}

/// Which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The one of this number.
    Connection(u64),
    /// The one that holds this session.
    Session(SessionId),
}

/// What one connection is to do.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    /// Say how it stands.
    Report(mpsc::Sender<Report>),
    /// Close; its session can be resumed. It says how it stood.
    Close(mpsc::Sender<Report>),
    /// Close for good: its session is over. It says how it stood.
    End(mpsc::Sender<Report>),
    /// Tell each message from now on; it says whether it does.
    Tail(Watch, mpsc::Sender<bool>),
}

/// What an operator's word closes a connection with.
pub(crate) const CLOSED: (CloseCode, &str) = (CloseCode::GoingAway, "an operator closed the connection");
/// What an operator's word ends a session with.
pub(crate) const ENDED: (CloseCode, &str) = (CloseCode::Normal, "an operator ended the session");

/// What connections have to be; all, where nothing is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) tenant: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) session: Option<Uuid>,
    /// Only those whose session was opened.
    pub(crate) opened: bool,
}

/// How a connection stands.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Its place in the shard.
    pub(crate) key: usize,
    pub(crate) connection: u64,
    pub(crate) address: Option<IpAddr>,
    pub(crate) tenant: Box<str>,
    pub(crate) agent: Box<str>,
    pub(crate) session: Uuid,
    /// What its session is in the store; none before `initialize`.
    pub(crate) opened: Option<Opened>,
    pub(crate) protocol: &'static str,
    pub(crate) tls: bool,
    pub(crate) age: Duration,
    pub(crate) bytes_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) messages_received: u64,
    /// Bytes that the client has not taken yet.
    pub(crate) unsent: usize,
    pub(crate) calls_in_flight: usize,
    pub(crate) subscriptions: Box<[Box<str>]>,
    /// How many events it is behind the newest.
    pub(crate) lag: u64,
    pub(crate) state: &'static str,
}

/// A session that was opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) epoch: Epoch,
    pub(crate) resumable: bool,
    /// Answers that the client has not acknowledged.
    pub(crate) unacknowledged: usize,
}
