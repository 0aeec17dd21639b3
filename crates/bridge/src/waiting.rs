//! Calls at legacy servers that wait for their client's input: each is found by a state that only its own caller can use.
use crate::conversation::event::Asked;
use crate::conversation::running::Running;
use crate::tasks::Owned;
use backend::Call;
use protocol::json;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What a state begins with.
const FORM: &str = "mcpw-";
/// What the server's question is called in a round.
pub(crate) const KEY: &str = "input";

/// A call that waits.
pub(crate) struct Waiting {
    pub(crate) running: Running,
    pub(crate) asked: Asked,
    owner: [u8; 32],
    _giving_up: Owned,
}

/// All of them.
#[derive(Clone)]
pub(crate) struct Room {
    calls: Arc<Mutex<HashMap<String, Waiting>>>,
    most: usize,
    patience: Duration,
}

impl Room {
    pub(crate) fn new(most: usize, patience: Duration) -> Self {
        Self { calls: Arc::default(), most, patience }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        lock(&self.calls)
    }

    /// Whether there is room for one more.
    pub(crate) fn has_room(&self) -> bool {
        self.calls().len() < self.most
    }

    /// Lets a call wait; it is given up after a while. The state by which it is found again, or `None` without randomness.
    pub(crate) fn enter(&self, running: Running, asked: Asked, owner: [u8; 32]) -> Option<String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let state = random.iter().fold(FORM.to_owned(), |mut state, byte| {
            let _ = write!(state, "{byte:02x}");
            state
        });
        let mut calls = self.calls();
        let giving_up = Owned::spawn(give_up(Arc::downgrade(&self.calls), state.clone(), self.patience));
        calls.insert(state.clone(), Waiting { running, asked, owner, _giving_up: giving_up });
        Some(state)
    }

    /// Takes a call out, for its owner alone.
    pub(crate) fn take(&self, state: &str, owner: &[u8; 32]) -> Option<Waiting> {
        let mut calls = self.calls();
        calls.get(state).filter(|waiting| waiting.owner == *owner)?;
        calls.remove(state)
    }
}

/// Dropped, the call is cancelled at its server.
async fn give_up(calls: Weak<Mutex<HashMap<String, Waiting>>>, state: String, patience: Duration) {
    tokio::time::sleep(patience).await;
    if let Some(calls) = calls.upgrade() {
        let waiting = lock(&calls).remove(&state);
        drop(waiting);
    }
}

fn lock(calls: &Mutex<HashMap<String, Waiting>>) -> MutexGuard<'_, HashMap<String, Waiting>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who may go on with a call, and with which one: the same caller, with the same method and params.
pub(crate) fn owner(call: &Call, method: &str, params: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in [call.tenant(), call.agent(), method] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    let mut members: Vec<_> = json::members(params)
        .filter(|(name, _)| !matches!(&**name, "_meta" | "inputResponses" | "requestState"))
        .collect();
    members.sort();
    for (name, value) in members {
        // As a value: whoever writes it again may write it with other blanks.
        let value = serde_json::from_str::<serde_json::Value>(value).map(|value| value.to_string());
        for text in [&*name, &value.unwrap_or_default()] {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
    }
    hash.finalize().into()
}
