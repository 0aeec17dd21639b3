//! Sessions of legacy clients: what `initialize` has said, in the store, so that any pod serves them. `basic/transports` of
//! 2025-11-25, "Session Management". Nobody holds one: whoever changes it raises its epoch, and of two at once one tries again.

use super::headers::{SESSION, VERSION};
use crate::config::ms;
use crate::kept::out_of_reach;
use crate::mail::Letter;
use crate::mcp::Client;
use crate::rest::ask::Ask;
use crate::rest::problem::Problem;
use crate::shard::Shard;
use auth::Identity;
use hyper::StatusCode;
use mcp::Version;
use protocol::ErrorCode;
use serde::{Deserialize, Serialize};
use session_store::{
    Channel as _, Epoch, Error, NewSession, PodId, Refusal, Resume, ResumeToken, Resumed, SessionId,
    Sessions as _, TokenHash,
};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// How often a change is tried that others come before.
const ATTEMPTS: usize = 16;

/// What is known of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    version: Box<str>,
    info: Box<str>,
    capabilities: Box<str>,
    log_level: Box<str>,
    /// The resources that the client wants to hear of.
    pub(super) uris: Vec<String>,
    /// On which it hears of them.
    pub(super) stream: Option<Stream>,
}

/// The one stream of a session, and the pod that has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stream {
    pub(super) id: Uuid,
    pub(super) pod: Box<str>,
}

impl State {
    fn new(client: &Client) -> Self {
        Self {
            version: client.version.name().into(),
            info: client.info.clone(),
            capabilities: client.capabilities.clone(),
            log_level: client.log_level.clone(),
            uris: Vec::new(),
            stream: None,
        }
    }

    fn client(&self) -> Client {
        Client {
            version: Version::of(&self.version).unwrap_or(Version::LATEST_LEGACY),
            info: self.info.clone(),
            capabilities: self.capabilities.clone(),
            log_level: self.log_level.clone(),
        }
    }

    /// The client wants log messages from this level on.
    pub(super) fn set_level(&mut self, level: &str) {
        self.log_level = level.into();
    }

    /// The client wants to hear of this resource, or no more.
    pub(super) fn subscribe(&mut self, uri: String, wants: bool) {
        self.uris.retain(|known| *known != uri);
        if wants {
            self.uris.push(uri);
        }
    }
}

/// A session as it was found.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) client: Client,
    pub(super) state: State,
    epoch: Epoch,
}

/// How long one is kept without a request.
fn window(shard: &Shard) -> Duration {
    ms(shard.terms().config.mcp.session_ms)
}

/// Opens a session for this client.
///
/// # Errors
/// The store is out of reach, or the client says too much.
pub(super) async fn open(ask: &Ask, client: &Client) -> Result<SessionId, Problem> {
    let (shard, id) = (ask.shard(), SessionId::fresh());
    let state = written(&State::new(client));
    let new = NewSession {
        id,
        tenant: ask.identity.tenant(),
        agent: ask.identity.agent(),
        token: token(id, Epoch(1))?,
        pod: &shard.pod.id,
        state: &state,
    };
    let epoch = shard.store.create(new).await.map_err(|error| failed(&error))?;
    shard.store.detach(id, epoch, window(shard)).await.map_err(|error| failed(&error))?;
    Ok(id)
}

/// The session that the request names, which is kept for longer now.
///
/// # Errors
/// It names none, or none of this agent's that is still there; the store is out of reach.
pub(super) async fn named(ask: &Ask) -> Result<Session, Problem> {
    let Some(name) = ask.header(&SESSION)? else {
        let detail = format!(
            "the header {SESSION} is missing: a session is opened by initialize, or {VERSION} and _meta name a version without sessions"
        );
        return Err(Problem::new(ErrorCode::InvalidMessage, detail));
    };
    let id = Uuid::try_parse(name).ok().filter(|id| id.hyphenated().to_string() == name).map(SessionId);
    found(ask.shard(), &ask.identity, id.ok_or_else(unknown)?).await
}

/// The session with this id, if it is this holder's; it is kept for longer now.
///
/// # Errors
/// There is no such session of this holder; the store is out of reach.
pub(super) async fn found(shard: &Shard, identity: &Identity, id: SessionId) -> Result<Session, Problem> {
    let seen = shard.store.look(id).await.map_err(|error| failed(&error))?.ok_or_else(unknown)?;
    if seen.tenant != identity.tenant() || seen.agent != identity.agent() {
        return Err(unknown());
    }
    // One of a WebSocket has another state.
    let state: State = serde_json::from_slice(&seen.state).map_err(|_| unknown())?;
    if seen.left < window(shard) / 2 {
        match shard.store.detach(id, seen.epoch, window(shard)).await {
            // Whoever has changed it meanwhile has kept it.
            Ok(()) | Err(Error::Stale) => {}
            Err(Error::Unknown { .. }) => return Err(unknown()),
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(Session { id, client: state.client(), state, epoch: seen.epoch })
}

/// Changes a session, and has the pod that has its stream look at it; what it is then. Two changes at once are both made.
///
/// # Errors
/// The session is gone; the store is out of reach.
pub(super) async fn change(
    ask: &Ask,
    mut session: Session,
    change: impl Fn(&mut State),
) -> Result<Session, Problem> {
    let (shard, id) = (ask.shard(), session.id);
    for _ in 0..ATTEMPTS {
        let next = Epoch(session.epoch.0 + 1);
        let resume = Resume {
            id,
            tenant: ask.identity.tenant(),
            agent: ask.identity.agent(),
            presented: token(id, session.epoch)?,
            next: token(id, next)?,
            turn: 1,
            pod: &shard.pod.id,
        };
        match shard.store.resume(resume).await.map_err(|error| failed(&error))? {
            Resumed::Refused(Refusal::Unknown | Refusal::Foreign) => return Err(unknown()),
            // Somebody else was faster.
            Resumed::Refused(Refusal::Token | Refusal::Late) => {}
            Resumed::Taken { epoch, state, .. } => {
                let mut state: State = serde_json::from_slice(&state).map_err(|_| unknown())?;
                let stream = state.stream.clone();
                change(&mut state);
                match shard.store.save(id, epoch, &written(&state)).await {
                    Ok(()) => {
                        // It is attached as long as nobody says otherwise, and nobody is.
                        let _ = shard.store.detach(id, epoch, window(shard)).await;
                        // Who has looked between the two saw this epoch without the change: it looks again.
                        tell(shard, &Letter::taken(id, Epoch(epoch.0 + 1)), stream).await;
                        return Ok(Session { id, client: state.client(), state, epoch });
                    }
                    Err(Error::Stale) => {}
                    Err(error) => return Err(failed(&error)),
                }
            }
        }
        session = found(shard, &ask.identity, id).await?;
    }
    Err(Problem::unavailable("the session is being changed by too many at once; nothing was changed"))
}

/// Ends the session that the request names, and its stream. `DELETE` of the endpoint.
///
/// # Errors
/// As [`named`].
pub(super) async fn end(ask: &Ask) -> Result<(), Problem> {
    for _ in 0..ATTEMPTS {
        let session = named(ask).await?;
        let shard = ask.shard();
        match shard.store.end(session.id, session.epoch).await {
            Ok(()) => {
                let over = Letter::taken(session.id, Epoch(session.epoch.0 + 1));
                tell(shard, &over, session.state.stream).await;
                return Ok(());
            }
            Err(Error::Stale) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(Problem::unavailable("the session is being changed by too many at once; it was not ended"))
}

/// Tells whoever has this stream of a session that it has changed. A stream that does not hear it looks now and then.
async fn tell(shard: &Shard, letter: &Letter, stream: Option<Stream>) {
    let Some(Stream { pod, .. }) = stream else { return };
    if *pod == *shard.pod.id.as_str() {
        shard.tell_all(letter);
    } else if let Ok(pod) = PodId::new(&pod) {
        let _ = shard.store.send(&pod, &letter.encode()).await;
    }
}

/// The pod that has the stream of a session with this state; none of one without a stream, or of a WebSocket's.
pub(crate) fn streaming_pod(state: &[u8]) -> Option<PodId> {
    let state: State = serde_json::from_slice(state).ok()?;
    PodId::new(&state.stream?.pod).ok()
}

impl Session {
    /// Under which epoch it was seen.
    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }
}

/// The token of a session in this epoch. It keeps nobody out: the store compares tenant and agent, and by the token tells who
/// has seen the latest state.
fn token(id: SessionId, epoch: Epoch) -> Result<TokenHash, Problem> {
    use base64::Engine as _;
    let digest = Sha256::new()
        .chain_update("mcpw mcp session")
        .chain_update(id.0.as_bytes())
        .chain_update(epoch.0.to_be_bytes())
        .finalize();
    let token = ResumeToken::parse(&base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(digest));
    let token = token.ok_or_else(|| Problem::unavailable("the session can't be named"))?;
    Ok(token.hash(id))
}

fn written(state: &State) -> Vec<u8> {
    // Texts can always be written.
    serde_json::to_vec(state).unwrap_or_default()
}

/// "Session Management": a client that is told 404 opens another session.
fn unknown() -> Problem {
    let detail = "there is no such session of this agent, or it has ended: open another one by initialize";
    Problem::new(ErrorCode::NotFound, detail).status(StatusCode::NOT_FOUND)
}

fn failed(error: &Error) -> Problem {
    match error {
        Error::TooLarge { .. } => {
            let detail = "what the client says of itself and subscribes to is over store.bounds.state_bytes";
            Problem::new(ErrorCode::TooLarge, detail)
        }
        Error::Unknown { .. } => unknown(),
        _ => out_of_reach(error).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let client = Client {
            version: Version::V2025_06_18,
            info: r#"{"name":"\""}"#.into(),
            capabilities: r#"{"roots":{ }}"#.into(),
            log_level: Box::default(),
        };
        let mut state = State::new(&client);
        state.set_level("info");
        for (uri, wants) in [("a:b", true), ("a:c", true), ("a:b", false), ("a:c", true)] {
            state.subscribe(uri.to_owned(), wants);
        }
        let read: State = serde_json::from_slice(&written(&state)).unwrap();
        assert_eq!(read, state);
        assert_eq!(read.uris, ["a:c"]);
        let said = read.client();
        assert_eq!((said.version, &*said.log_level), (Version::V2025_06_18, "info"));
        assert_eq!((said.info, said.capabilities), (client.info, client.capabilities));
    }
}
