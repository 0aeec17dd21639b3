//! Who asked, for an answer that outlives the frame of its request.

use super::exchange::method_code;
use protocol::{Id, Kind, Message};
use std::sync::Arc;

/// A request id that outlives its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OwnedId {
    Token(Arc<str>),
    Sequence(u64),
}

impl OwnedId {
    pub(super) fn borrow(&self) -> Id<'_> {
        match self {
            Self::Token(token) => Id::Token(token),
            Self::Sequence(number) => Id::Sequence(*number),
        }
    }
}

/// Where an answer goes.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// None for a notification, which is not answered.
    pub(super) id: Option<OwnedId>,
    /// What the request is called in the journal; none for a notification.
    pub(super) request: Option<Arc<str>>,
    pub(super) method_code: u16,
}

impl Asker {
    pub(super) fn of(request: &Message<'_>) -> Self {
        let method_code = method_code(request);
        let Some(id) = request.id.filter(|_| request.kind == Kind::Request) else {
            return Self { id: None, request: None, method_code };
        };
        let canonical = Arc::<str>::from(id.canonical());
        let id = match id {
            Id::Sequence(number) => OwnedId::Sequence(number),
            // Mostly the client writes it as the journal does.
            Id::Token(token) if *token == *canonical => OwnedId::Token(Arc::clone(&canonical)),
            Id::Token(token) => OwnedId::Token(token.into()),
        };
        Self { id: Some(id), request: Some(canonical), method_code }
    }

    /// Of a request that is known by its journal's name alone.
    pub(super) fn named(request: &str) -> Self {
        let request = Arc::<str>::from(request);
        Self { id: Some(OwnedId::Token(Arc::clone(&request))), request: Some(request), method_code: 0 }
    }
}
