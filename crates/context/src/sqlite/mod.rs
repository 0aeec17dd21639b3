//! Contexts in an SQLite file. One thread writes, and connections of their own read.
mod file;
mod readers;
mod rows;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use self::readers::Readers;
use self::rows::{context, news, outline};
use self::writer::Writer;
use crate::Error;
use crate::change::Change;
use crate::context::{Context, Outline};
use crate::contexts::Contexts;
use crate::labels;
use crate::limits::RANKED;
use crate::outbox::{self, CREATED, DELETED, News, UPDATED};
use crate::page::Filter;
use crate::time::Time;
use crate::words::{Index, Query};

/// An open file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    readers: Readers,
    writer: Arc<Writer>,
    /// Whether changes are written down to be told.
    tells: bool,
}

impl Sqlite {
    /// Opens the file, or makes it.
    pub(crate) async fn open(path: &Path, connections: usize, tells: bool) -> Result<Self, Error> {
        let path = path.to_owned();
        let opening = tokio::task::spawn_blocking(move || {
            let writer = Arc::new(Writer::start(file::open(&path)?)?);
            let readers = Readers::open(&path, connections, Arc::clone(&writer))?;
            Ok(Self { readers, writer, tells })
        });
        opening.await.map_err(Error::failed)?
    }
}

const CONTEXT: &str = "SELECT id, agent, version, updated_at, metadata, content, row FROM mcpw_contexts";

impl Contexts for Sqlite {
    async fn create(&self, tenant: &str, context: Context, key: Option<Uuid>) -> Result<Context, Error> {
        let (tenant, tells) = (tenant.to_owned(), self.tells);
        let write = move |db: &Connection| {
            if let Some(made) = made(db, &tenant, key)? {
                return Ok(made);
            }
            insert(db, &tenant, &context, key)?;
            if tells {
                tell(db, &tenant, CREATED, &context.outline.agent, &context.outline)?;
            }
            Ok(context)
        };
        self.writer.write(write).await
    }

    async fn read(&self, tenant: &str, id: Uuid) -> Result<Context, Error> {
        let tenant = tenant.to_owned();
        self.readers.read(move |db| Ok(find(db, &tenant, id)?.0)).await
    }

    async fn update(&self, tenant: &str, agent: &str, id: Uuid, change: Change) -> Result<Context, Error> {
        let (tenant, agent, tells) = (tenant.to_owned(), agent.to_owned(), self.tells);
        let write = move |db: &Connection| {
            let (old, row) = find(db, &tenant, id)?;
            let new = change.apply(old)?;
            replace(db, &tenant, row, &new)?;
            if tells {
                tell(db, &tenant, UPDATED, &agent, &new.outline)?;
            }
            Ok(new)
        };
        self.writer.write(write).await
    }

    async fn delete(&self, tenant: &str, agent: &str, id: Uuid, expected: Option<i64>) -> Result<i64, Error> {
        let (tenant, agent, tells) = (tenant.to_owned(), agent.to_owned(), self.tells);
        let write = move |db: &Connection| {
            let (Context { outline, .. }, row) = find(db, &tenant, id)?;
            let version = outline.version;
            if expected.is_some_and(|expected| expected != version) {
                return Err(Error::Conflict { version });
            }
            run(db, "DELETE FROM mcpw_contexts WHERE row = ?1", params![row])?;
            forget(db, id, row)?;
            if tells {
                tell(db, &tenant, DELETED, &agent, &Outline { updated_at: Time::now(), ..outline })?;
            }
            Ok(version)
        };
        self.writer.write(write).await
    }

    async fn list(&self, _tenant: &str, filter: Filter, limit: usize) -> Result<Vec<Outline>, Error> {
        let read = move |db: &Connection| {
            let (id, time, least_id, least_time, end) = filter.bounds();
            let label = filter.labels[0];
            let mut values: Vec<&dyn ToSql> = vec![&label, &id, &time, &least_id, &least_time, &end];
            values.extend(filter.labels[1..].iter().map(|label| label as &dyn ToSql));
            // To SQLite `$3` is a name, and `?3` a number.
            let mut statement = db.prepare_cached(&filter.sql(limit).replace('$', "?"))?;
            statement.query_map(&*values, outline)?.collect::<rusqlite::Result<_>>()
        };
        self.readers.read(move |db| read(db).map_err(|error| failure(&error))).await
    }

    async fn search(
        &self,
        tenant: &str,
        query: Query,
        within: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<(f64, Context)>, Error> {
        let tenant = tenant.to_owned();
        let read = move |db: &Connection| {
            let row = within.map(|id| find(db, &tenant, id)).transpose()?.map(|(_, row)| row);
            search(db, &tenant, &query, row, limit).map_err(|error| failure(&error))
        };
        self.readers.read(read).await
    }

    async fn untold(&self, limit: usize) -> Result<Vec<News>, Error> {
        let read = move |db: &Connection| {
            let sql =
                "SELECT place, tenant, context, name, version, data FROM mcpw_outbox ORDER BY place LIMIT ?1";
            db.prepare_cached(sql)?.query_map([limit as i64], news)?.collect::<rusqlite::Result<_>>()
        };
        self.readers.read(move |db| read(db).map_err(|error| failure(&error))).await
    }

    async fn told(&self, places: Vec<i64>) -> Result<(), Error> {
        let write = move |db: &Connection| {
            for place in places {
                run(db, "DELETE FROM mcpw_outbox WHERE place = ?1", params![place])?;
            }
            Ok(())
        };
        self.writer.write(write).await
    }
}

fn find(db: &Connection, tenant: &str, id: Uuid) -> Result<(Context, i64), Error> {
    let sql = format!("{CONTEXT} WHERE id = ?1 AND tenant = ?2");
    let found = db.prepare_cached(&sql).and_then(|mut find| {
        find.query_row(params![id, tenant], |row| Ok((context(row)?, row.get(6)?))).optional()
    });
    found.map_err(|error| failure(&error))?.ok_or(Error::NotFound)
}

/// The context that the same request has made before.
fn made(db: &Connection, tenant: &str, key: Option<Uuid>) -> Result<Option<Context>, Error> {
    let Some(key) = key else { return Ok(None) };
    let sql = format!("{CONTEXT} WHERE request = ?1 AND tenant = ?2");
    let found =
        db.prepare_cached(&sql).and_then(|mut find| find.query_row(params![key, tenant], context).optional());
    found.map_err(|error| failure(&error))
}

fn insert(db: &Connection, tenant: &str, context: &Context, key: Option<Uuid>) -> Result<(), Error> {
    let Context { outline, content } = context;
    let sql = "INSERT INTO mcpw_contexts (id, tenant, agent, version, updated_at, request, metadata, content) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (updated, metadata) = (outline.updated_at.0, outline.metadata.get());
    let values =
        params![outline.id, tenant, outline.agent, outline.version, updated, key, metadata, content.get()];
    run(db, sql, values)?;
    index(db, tenant, db.last_insert_rowid(), context)
}

fn replace(db: &Connection, tenant: &str, row: i64, context: &Context) -> Result<(), Error> {
    let Context { outline, content } = context;
    let sql =
        "UPDATE mcpw_contexts SET version = ?2, updated_at = ?3, metadata = ?4, content = ?5 WHERE row = ?1";
    let (updated, metadata) = (outline.updated_at.0, outline.metadata.get());
    run(db, sql, params![row, outline.version, updated, metadata, content.get()])?;
    forget(db, outline.id, row)?;
    index(db, tenant, row, context)
}

/// Makes the context be found.
fn index(db: &Connection, tenant: &str, row: i64, context: &Context) -> Result<(), Error> {
    let outline = &context.outline;
    for label in labels::of(tenant, outline) {
        let sql = "INSERT OR IGNORE INTO mcpw_labels (label, context, updated_at) VALUES (?1, ?2, ?3)";
        run(db, sql, params![label, outline.id, outline.updated_at.0])?;
    }
    let words = Index::new(tenant, &context.text()).line();
    run(db, "INSERT INTO mcpw_words (rowid, words) VALUES (?1, ?2)", params![row, words])
}

/// Makes the context be found no more.
fn forget(db: &Connection, id: Uuid, row: i64) -> Result<(), Error> {
    run(db, "DELETE FROM mcpw_labels WHERE context = ?1", params![id])?;
    run(db, "DELETE FROM mcpw_words WHERE rowid = ?1", params![row])
}

/// Writes down what is to be told of a change.
fn tell(db: &Connection, tenant: &str, name: &str, agent: &str, outline: &Outline) -> Result<(), Error> {
    let data = outbox::data(outline.id, outline.version, agent, outline.updated_at);
    let sql = "INSERT INTO mcpw_outbox (tenant, context, name, version, data) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(db, sql, params![tenant, outline.id, name, outline.version, data])
}

fn search(
    db: &Connection,
    tenant: &str,
    query: &Query,
    row: Option<i64>,
    limit: usize,
) -> rusqlite::Result<Vec<(f64, Context)>> {
    let within = if row.is_some() { "AND rowid = ?4" } else { "AND ?4 IS NULL" };
    let sql = format!(
        "SELECT c.id, c.agent, c.version, c.updated_at, c.metadata, c.content, -f.rank FROM \
         (SELECT rowid, rank FROM \
         (SELECT rowid, bm25(mcpw_words) AS rank FROM mcpw_words WHERE mcpw_words MATCH ?1 {within} \
         ORDER BY rowid DESC LIMIT {RANKED}) ORDER BY rank, rowid DESC LIMIT ?3) f \
         JOIN mcpw_contexts c ON c.row = f.rowid WHERE c.tenant = ?2 ORDER BY f.rank, c.row DESC"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let found = |row: &rusqlite::Row<'_>| Ok((row.get(6)?, context(row)?));
    statement.query_map(params![query.fts5(), tenant, limit as i64, row], found)?.collect()
}

fn run(db: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<(), Error> {
    let done = db.prepare_cached(sql).and_then(|mut statement| statement.execute(values));
    done.map(|_| ()).map_err(|error| failure(&error))
}

fn unavailable(reason: &str) -> Error {
    Error::Unavailable { reason: reason.to_owned() }
}

/// What a caller is told: whether the file is out of reach, or something is wrong with it.
fn failure(error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure,
    };
    match error.sqlite_error_code() {
        Some(
            CannotOpen | DatabaseBusy | DatabaseLocked | DiskFull | PermissionDenied | ReadOnly
            | SystemIoFailure,
        ) => Error::Unavailable { reason: error.to_string() },
        _ => Error::failed(error),
    }
}
