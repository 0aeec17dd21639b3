//! Which sessions have ended, as the gateways know. For backends that keep something for each.
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use protocol::pb::sessions_client::SessionsClient;
use protocol::pb::{EndedRequest, EndedResponse};
use tokio::time::timeout;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::registration::Gateway;
use crate::token::Token;

/// How long a gateway may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it is remembered which gateways know a session that nobody asks for any more.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Asks gateways for sessions. Cheap to clone; see [`Running::sessions`](crate::Running::sessions).
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    gateways: Vec<SessionsClient<InterceptedService<Channel, Token>>>,
    token: Token,
    known: Mutex<Known>,
}

/// What gateways have said before, by their places.
#[derive(Default)]
struct Known {
    /// Those whose sessions end with them.
    mortal: HashSet<usize>,
    /// Who has known a session, and when it was asked for last.
    holders: HashMap<String, (HashSet<usize>, Instant)>,
}

/// What one gateway says of the sessions that it is asked for.
enum Said {
    /// These have ended, and it knows all others.
    Ended(HashSet<String>),
    /// Nobody listens where it was.
    Gone,
    Nothing,
}

impl Sessions {
    /// The most that are asked for at once.
    pub const MOST: usize = 1_000;

    pub(crate) fn new(gateways: &[Gateway], token: Token) -> Self {
        let client = |gateway: &Gateway| SessionsClient::with_interceptor(gateway.channel(), gateway.token());
        let gateways = gateways.iter().map(client).collect();
        Self(Arc::new(Inner { gateways, token, known: Mutex::default() }))
    }

    /// Those of these sessions, up to [`Self::MOST`], that have ended. It is asked at each gateway of
    /// [`Serve::register_at`](crate::Serve::register_at), since it may be that they share no store. A session has ended where
    /// one says so that has known it before. It ends with its gateway where that keeps it in its own memory and is gone. One
    /// that none has known has ended where all say so. None have without a gateway.
    ///
    /// Ready once any have, whoever has not answered yet, and else after all answers, which takes up to 5 seconds where a gateway
    /// hangs. What has ended since is found by asking again meanwhile.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub async fn ended(&self, session_ids: Vec<String>) -> Vec<String> {
        let mut said: Vec<Said> = self.0.gateways.iter().map(|_| Said::Nothing).collect();
        let asked = (0..said.len()).map(|at| {
            let asked = self.ask(at, session_ids.clone());
            async move { (at, asked.await) }
        });
        let mut asked: FuturesUnordered<_> = asked.collect();
        while let Some((at, answer)) = asked.next().await {
            said[at] = answer;
            let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            let ended = known.judge(&session_ids, &said);
            if !ended.is_empty() {
                return ended;
            }
        }
        Vec::new()
    }

    async fn ask(&self, at: usize, session_ids: Vec<String>) -> Said {
        let mut gateway = self.0.gateways[at].clone();
        match timeout(PATIENCE, gateway.ended(EndedRequest { session_ids })).await {
            Ok(Ok(response)) => {
                let EndedResponse { session_ids, durable } = response.into_inner();
                let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
                if durable {
                    known.mortal.remove(&at)
                } else {
                    known.mortal.insert(at)
                };
                Said::Ended(session_ids.into_iter().collect())
            }
            Ok(Err(status)) => {
                if status.code() == Code::Unauthenticated {
                    // It may have been renewed since.
                    self.0.token.refresh().await;
                }
                if is_refused(&status) { Said::Gone } else { Said::Nothing }
            }
            Err(_) => Said::Nothing,
        }
    }
}

impl Known {
    /// Which of these have ended, by what was said so far.
    fn judge(&mut self, session_ids: &[String], said: &[Said]) -> Vec<String> {
        let now = Instant::now();
        self.holders.retain(|_, (_, asked)| now.duration_since(*asked) < REMEMBERED);
        let is_gone = |at: &usize| matches!(said[*at], Said::Gone) && self.mortal.contains(at);
        let mut ended = Vec::new();
        for id in session_ids {
            let (holders, asked) = self.holders.entry(id.clone()).or_insert_with(|| (HashSet::new(), now));
            *asked = now;
            let says = |at: &usize| matches!(&said[*at], Said::Ended(some) if some.contains(id));
            let knows = |at: &usize| matches!(&said[*at], Said::Ended(some) if !some.contains(id));
            let mut all = 0..said.len();
            holders.extend(all.clone().filter(knows));
            let is_over = |at: usize| says(&at) || is_gone(&at);
            let has_ended = !all.clone().any(|at| knows(&at))
                && if holders.is_empty() {
                    !said.is_empty() && all.all(is_over)
                } else {
                    holders.iter().any(says) || holders.iter().all(is_gone)
                };
            if has_ended {
                self.holders.remove(id);
                ended.push(id.clone());
            }
        }
        ended
    }
}

/// Whether the system says that nobody listens there.
fn is_refused(status: &Status) -> bool {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        {
            return true;
        }
        source = error.source();
    }
    false
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("gateways", &self.0.gateways.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(ids: &[&str]) -> Said {
        Said::Ended(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn a_session_has_ended_where_one_says_so_that_has_known_it() {
        let mut known = Known::default();
        let mut check = |said: &[Said], expected: &[&str]| {
            assert_eq!(known.judge(&["a".to_owned()], said), expected);
        };
        check(&[ended(&["a"]), Said::Nothing], &[]);
        check(&[ended(&[]), ended(&["a"])], &[]);
        check(&[Said::Nothing, ended(&["a"])], &[]);
        check(&[ended(&["a"]), Said::Nothing], &["a"]);
        // It was forgotten with that.
        check(&[ended(&["a"]), Said::Nothing], &[]);
        check(&[ended(&["a"]), ended(&["a"])], &["a"]);
        check(&[], &[]);
    }

    #[test]
    fn a_session_ends_with_its_gateway_where_nobody_else_has_it() {
        let mut known = Known { mortal: [0].into(), ..Known::default() };
        let ask = |known: &mut Known, said: &[Said]| known.judge(&["a".to_owned()], said);
        assert!(ask(&mut known, &[ended(&[]), ended(&["a"])]).is_empty());
        assert!(ask(&mut known, &[Said::Nothing, ended(&["a"])]).is_empty(), "it may only be slow");
        assert_eq!(ask(&mut known, &[Said::Gone, ended(&["a"])]), ["a"]);
        known.mortal.clear();
        assert!(ask(&mut known, &[ended(&[]), ended(&["a"])]).is_empty());
        assert!(ask(&mut known, &[Said::Gone, ended(&["a"])]).is_empty(), "its store has outlived it");
    }
}
