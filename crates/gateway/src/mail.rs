//! What pods, and the shards of one pod, tell each other about sessions. A letter may be lost: whoever waits for
//! one looks into the journal too.

use crate::inquiry::Ask;
use crate::terms::Terms;
use router::Seen;
use serde::{Deserialize, Serialize};
use session_store::{Epoch, Inbox, Mail, Notice, SessionId};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A letter about one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Letter {
    /// It is held under this epoch now: connections of an earlier one close.
    Taken { session: Uuid, epoch: u64 },
    /// A call of it has ended, and the journal says how.
    Ended { session: Uuid, request: Box<str> },
    /// A call of it is to be cancelled, by whoever runs it.
    Cancel { session: Uuid, request: Box<str> },
    /// An operator ended it: its connection closes, and nobody resumes it.
    Over { session: Uuid },
    /// A client of it has answered a question that a call at this pod has asked.
    Answer { session: Uuid, question: Box<str>, message: Box<str> },
}

impl Letter {
    pub(crate) fn taken(session: SessionId, epoch: Epoch) -> Self {
        Self::Taken { session: session.0, epoch: epoch.0 }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        // Names and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What a shard is told by the control plane, and by other shards.
#[derive(Clone, Debug)]
pub(crate) enum Memo {
    /// About a session that may be here.
    Letter(Letter),
    /// Letters may have been lost, or the store was: every session asks whether it is still held here.
    Verify,
    /// Somebody is perhaps not recognised any more: every connection looks whether its holder still is.
    Holders,
    /// These terms hold from now on; the other is dropped once they do.
    Terms(Box<Terms>, mpsc::Sender<()>),
    /// News of a tenant's log.
    Log(Notice),
    /// An operator asks something.
    Ask(Ask),
    /// Somebody asks for metrics: the shard looks at what it has.
    Survey(mpsc::Sender<Vec<Seen>>),
}

/// Hands the pod's mail to all shards, since none but them knows which sessions it has.
pub(crate) async fn hand_out(inbox: Inbox, shards: Vec<mpsc::Sender<Memo>>) {
    loop {
        let memo = match inbox.next().await {
            Mail::Missed => Memo::Verify,
            Mail::Message(message) => match serde_json::from_slice(&message) {
                Ok(letter) => Memo::Letter(letter),
                Err(error) => {
                    tracing::warn!(%error, "a letter from another pod is not understood");
                    continue;
                }
            },
        };
        for shard in &shards {
            // A shard that is gone needs no mail.
            let _ = shard.send(memo.clone()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_reads_as_it_was_written() {
        let session = Uuid::now_v7();
        for letter in [
            Letter::Taken { session, epoch: 3 },
            Letter::Ended { session, request: "\"a\"".into() },
            Letter::Cancel { session, request: "7".into() },
            Letter::Over { session },
            Letter::Answer { session, question: "a".into(), message: "{\"result\":{}}".into() },
        ] {
            assert_eq!(serde_json::from_slice::<Letter>(&letter.encode()).unwrap(), letter);
        }
    }
}
