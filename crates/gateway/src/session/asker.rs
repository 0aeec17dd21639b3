//! Who asked, for an answer that outlives the frame of its request.

use super::exchange::method_code;
use protocol::{Id, Kind, Message};
use std::borrow::Cow;

/// A request id that outlives its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OwnedId {
    Token(Box<str>),
    Sequence(u64),
}

impl OwnedId {
    pub(super) fn of(id: Id<'_>) -> Self {
        match id {
            Id::Token(token) => Self::Token(token.into()),
            Id::Sequence(number) => Self::Sequence(number),
        }
    }

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
    pub(super) method_code: u16,
}

impl Asker {
    pub(super) fn of(request: &Message<'_>) -> Self {
        let id = request.id.filter(|_| request.kind == Kind::Request);
        Self { id: id.map(OwnedId::of), method_code: method_code(request) }
    }

    /// What the request is called in the journal; `None` for a notification.
    pub(super) fn request(&self) -> Option<Cow<'_, str>> {
        self.id.as_ref().map(|id| id.borrow().canonical())
    }
}
