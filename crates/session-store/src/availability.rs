//! Whether a store can be reached, for those who tell others whether they are ready.

/// Whether a store can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It answered last time.
    Up,
    /// It does not answer, or takes no writes.
    Down {
        /// What was seen last.
        reason: String,
    },
}

impl Availability {
    /// Whether it is [`Availability::Up`].
    pub fn is_up(&self) -> bool {
        *self == Self::Up
    }
}
