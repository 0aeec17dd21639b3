//! Sessions that outlive their connections.

use super::instrument::one_of;
use super::instruments;
use crate::Resume;

instruments! {
    SESSIONS:
    SESSIONS_ATTACHED = Gauge(
        "sessions_attached",
        "Sessions that are held here by a connection",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.sessions_attached.value())),
    );
    SESSION_MOVES = Counter(
        "session_moves_total",
        "Sessions that came from another pod",
        &[],
        |pod, out| out.number(&[], pod.sum(|shard| shard.session_moves.value())),
    );
    SESSION_RESUMES = Counter(
        "session_resumes_total",
        "Clients that asked for their session, by what became of it",
        &[one_of("outcome", &Resume::NAMES)],
        |pod, out| out.each(Resume::NAMES, |place| pod.sum(|shard| shard.resumes[place].value())),
    );
    SESSION_JOURNAL_CALLS = Gauge(
        "session_journal_calls",
        "Calls of sessions at this pod that stand in the journal: they run, or their client has not said that it has \
         the answer",
        &[one_of("state", &["running", "unacknowledged"])],
        |pod, out| {
            out.number(&["running"], pod.sum(|shard| shard.journal_running.value()));
            out.number(&["unacknowledged"], pod.sum(|shard| shard.journal_unacknowledged.value()));
        },
    );
}
