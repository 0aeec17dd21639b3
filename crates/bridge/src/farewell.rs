//! Children of sessions that have ended, as gateways know.
use crate::federation::Federation;
use backend::Sessions;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How often it is asked, while there are children of sessions: often enough for them to be gone within a second.
const LOOKS: Duration = Duration::from_millis(300);

/// Ends them, for as long as it is polled.
pub(crate) async fn farewell(federation: Arc<Federation>, sessions: Sessions) {
    loop {
        tokio::time::sleep(LOOKS).await;
        let known = federation.servers.iter().flat_map(|server| server.sessions());
        // Those of agents without a session are no session's.
        let known: BTreeSet<String> = known.filter(|session| !session.contains('\0')).collect();
        let known: Vec<String> = known.into_iter().collect();
        for some in known.chunks(Sessions::MOST) {
            for ended in sessions.ended(some.to_vec()).await {
                federation.servers.iter().for_each(|server| server.end(&ended));
            }
        }
    }
}
