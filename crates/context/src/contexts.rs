//! What a database of contexts can do. Every statement is bound to one tenant. SQLite and PostgreSQL pass the same
//! tests.
use std::fmt;

use uuid::Uuid;

use crate::Error;
use crate::change::Change;
use crate::context::{Context, Outline};
use crate::outbox::News;
use crate::page::Filter;
use crate::words::Query;

/// A database of contexts. What it has acknowledged outlives a crash.
///
/// # Cancel safety
/// A write that is dropped before it is ready may or may not have been done, and never by half.
pub(crate) trait Contexts: fmt::Debug + Send + Sync + 'static {
    /// Keeps a context. One that was made with the same `key` is answered instead, as it is now.
    fn create(
        &self,
        tenant: &str,
        context: Context,
        key: Option<Uuid>,
    ) -> impl Future<Output = Result<Context, Error>> + Send;

    /// A context; [`Error::NotFound`] where the tenant has none of this id.
    fn read(&self, tenant: &str, id: Uuid) -> impl Future<Output = Result<Context, Error>> + Send;

    /// Changes a context; [`Error::Conflict`] where it has not the version that the change expects.
    fn update(
        &self,
        tenant: &str,
        agent: &str,
        id: Uuid,
        change: Change,
    ) -> impl Future<Output = Result<Context, Error>> + Send;

    /// Deletes a context; the version that it had.
    fn delete(
        &self,
        tenant: &str,
        agent: &str,
        id: Uuid,
        expected: Option<i64>,
    ) -> impl Future<Output = Result<i64, Error>> + Send;

    /// The newest contexts that fit, newest first, at most `limit`.
    fn list(
        &self,
        tenant: &str,
        filter: Filter,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Outline>, Error>> + Send;

    /// The contexts that hold all words of the query, or the one of this id if it does, with their scores, best first.
    fn search(
        &self,
        tenant: &str,
        query: Query,
        within: Option<Uuid>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(f64, Context)>, Error>> + Send;

    /// The oldest changes that were not told yet; none while another process of the service tells them.
    fn untold(&self, limit: usize) -> impl Future<Output = Result<Vec<News>, Error>> + Send;

    /// Forgets changes that were told.
    fn told(&self, places: Vec<i64>) -> impl Future<Output = Result<(), Error>> + Send;
}
