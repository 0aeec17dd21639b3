//! Rounds of a call that asks its client for input: what each is called in the journal, and which of them was the latest.

use super::wanted::Unanswered;
use crate::mcp::{ROUNDS, asks};
use crate::outcome;
use crate::shard::Shard;
use session_store::{Entry, Error, Journal as _, SessionId};
use std::sync::Arc;

/// What a round is called: the first as its request, each later one with its number.
pub(super) fn name(request: &str, round: u32) -> Arc<str> {
    if round == 0 { request.into() } else { format!("{request}#{round}").into() }
}

/// The request of the round with this name, and its number.
pub(super) fn read(name: &str) -> (&str, u32) {
    // An id is a number or stands in quotes, so what ends with a number behind the sign is none.
    let split = name.rsplit_once('#').filter(|(request, _)| !request.is_empty());
    split.and_then(|(request, round)| Some((request, round.parse().ok()?))).unwrap_or((name, 0))
}

/// Finds the latest round of each of these calls that has asked for input, and what the journal has of that.
pub(super) async fn follow(
    shard: &Shard,
    session: SessionId,
    unanswered: &mut [Unanswered],
    known: &mut [Option<Entry>],
) -> Result<(), Error> {
    for (request, entry) in unanswered.iter_mut().zip(known) {
        let mut round = 0;
        while round < ROUNDS && matches!(entry, Some(Entry::Done(end)) if asks(&outcome::decode(end))) {
            request.round = Some(round);
            let next = name(&request.canonical, round + 1);
            let Some(next) = shard.store.lookup(session, &[&next]).await?.pop().flatten() else { break };
            (round, *entry) = (round + 1, Some(next));
            request.round = Some(round);
        }
    }
    Ok(())
}

/// The names of all rounds of these calls.
pub(super) fn names(unanswered: &[Unanswered]) -> Vec<Arc<str>> {
    let rounds = |request: &Unanswered| 0..=request.round.unwrap_or(0);
    unanswered
        .iter()
        .flat_map(|request| rounds(request).map(|round| name(&request.canonical, round)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_read_as_it_was_named_and_no_id_is_taken_for_one() {
        for request in ["7", "-7", "\"a\"", "\"a#1\"", "\"#\""] {
            assert_eq!(read(&name(request, 0)), (request, 0));
            assert_eq!(read(&name(request, 12)), (request, 12));
        }
        assert_eq!(read("#1f.pod"), ("#1f.pod", 0), "a notification");
    }
}
