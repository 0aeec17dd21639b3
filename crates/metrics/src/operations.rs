//! What the store is asked, by the verbs of its contract: how long each took, and which failed.

use crate::{Counter, Histogram};
use std::time::Duration;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What the store is asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Operation { $($(#[$doc])* $variant,)* }

        impl Operation {
            pub(crate) const NAMES: [&'static str; [$($name),*].len()] = [$($name),*];
        }
    };
}

operations! {
    /// A session is entered.
    Create = "create",
    /// A session is put back that was lost.
    Restore = "restore",
    /// A session is taken up.
    Resume = "resume",
    /// A session lives on.
    Prolong = "prolong",
    /// A session waits for its client.
    Detach = "detach",
    /// A session is over.
    End = "end",
    /// What is known of a session is written.
    Save = "save",
    /// A call is entered in the journal.
    Begin = "begin",
    /// A call's outcome is entered.
    Finish = "finish",
    /// A call of a dead pod is taken over.
    TakeOver = "take_over",
    /// Answers have come.
    Acknowledge = "acknowledge",
    /// All answers but some have come.
    AcknowledgeAllBut = "acknowledge_all_but",
    /// A call was not begun after all.
    Withdraw = "withdraw",
    /// What became of calls.
    Lookup = "lookup",
    /// An event is appended.
    Publish = "publish",
    /// Where a log ends.
    Latest = "latest",
    /// A page of a log is read.
    Read = "read",
    /// A pod begins to live.
    Acquire = "acquire",
    /// A pod lives on.
    Renew = "renew",
    /// A pod ends.
    Release = "release",
    /// Whether a pod lives.
    Alive = "alive",
    /// Something is revoked.
    Revoke = "revoke",
    /// What is revoked.
    Revoked = "revoked",
    /// What was spent of a rate is settled.
    Settle = "settle",
    /// What a ticket stands for is kept.
    KeepTicket = "keep_ticket",
    /// A ticket is taken.
    TakeTicket = "take_ticket",
    /// A letter to a pod.
    Send = "send",
    /// A replica is listed.
    Put = "put",
    /// A replica is listed no more.
    Remove = "remove",
}

/// What one thread asked the store.
#[derive(Debug, Default)]
pub struct Operations {
    durations: [Histogram; Operation::NAMES.len()],
    failures: [Counter; Operation::NAMES.len()],
}

impl Operations {
    /// It has answered, whatever it said, after so long.
    pub fn answered(&self, operation: Operation, took: Duration) {
        self.durations[operation as usize].observe(took, 1);
    }

    /// It did not do what it was asked.
    pub fn failed(&self, operation: Operation) {
        self.failures[operation as usize].increment();
    }

    pub(crate) const fn durations(&self, place: usize) -> &Histogram {
        &self.durations[place]
    }

    pub(crate) fn failures(&self, place: usize) -> u64 {
        self.failures[place].value()
    }
}
