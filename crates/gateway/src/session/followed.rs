//! Who follows a conversation. Mostly nobody, so that it is one word of it.

use super::tail::Tail;
use crate::trace::Upgrade;
use std::rc::Rc;

/// At least one of them, or one who has left.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// An operator who watches its messages.
    pub(super) tail: Option<Rc<Tail>>,
    /// The trace that the connection is told in.
    pub(super) upgrade: Option<Upgrade>,
}
