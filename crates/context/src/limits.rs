//! What is bounded, and at how much.

/// Contexts of a page, where the caller names no number, and at most.
pub(crate) const PAGE: usize = 50;
pub(crate) const MAX_PAGE: usize = 200;

/// Hits of a search, where the caller names no number, and at most.
pub(crate) const HITS: usize = 20;
pub(crate) const MAX_HITS: usize = 100;

/// Contexts that a search ranks: the newest of those that hold every word. A word that is everywhere costs no more.
pub(crate) const RANKED: i64 = 200;

/// Bytes of a query.
pub(crate) const QUERY_BYTES: usize = 1_024;
/// Words of a query.
pub(crate) const QUERY_WORDS: usize = 16;

/// Members of a context's metadata.
pub(crate) const MEMBERS: usize = 64;
/// Members that a list may ask for.
pub(crate) const ASKED_MEMBERS: usize = 8;
