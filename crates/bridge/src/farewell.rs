//! Children of sessions that have ended, as gateways know.
use crate::federation::Federation;
use backend::Sessions;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is asked, while there are children of sessions: often enough for them to be gone within a second.
const LOOKS: Duration = Duration::from_millis(300);

/// Ends them, for as long as it is polled.
pub(crate) async fn farewell(federation: Arc<Federation>, sessions: Sessions) {
    let ask = || {
        let known = known(&federation);
        known.chunks(Sessions::MOST).map(|some| sessions.ended(some.to_vec())).collect::<Vec<_>>()
    };
    let mut looks = interval(LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // While one gateway hangs, the others are asked on.
    let mut asked: FuturesUnordered<_> = ask().into_iter().collect();
    loop {
        tokio::select! {
            _ = looks.tick() => asked.extend(ask()),
            Some(ended) = asked.next() => {
                for session in ended {
                    federation.servers.iter().for_each(|server| server.end(&session));
                }
            }
        }
    }
}

/// The sessions that have a child. Those of agents without a session are no session's.
fn known(federation: &Federation) -> Vec<String> {
    let known = federation.servers.iter().flat_map(|server| server.sessions());
    let known: BTreeSet<String> = known.filter(|session| !session.contains('\0')).collect();
    known.into_iter().collect()
}
