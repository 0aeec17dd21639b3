//! Contexts in PostgreSQL. Several processes of the service may share one database.
mod marks;
mod pool;
mod rows;
mod schema;
mod tls;

use std::error::Error as _;

use tokio::sync::Mutex;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use self::marks::Marks;
use self::pool::{Link, Pool, patient};
use self::rows::{context, news, outline};
use crate::change::Change;
use crate::context::{Context, Outline};
use crate::contexts::Contexts;
use crate::limits::RANKED;
use crate::outbox::{CREATED, DELETED, News, UPDATED};
use crate::page::Filter;
use crate::time::Time;
use crate::words::{Index, Query};
use crate::{Database, Error};

/// Whoever holds this lock tells the changes. Nobody else's: `MCPW` and a number.
const TELLING: i64 = 0x4D43_5057_0002;

/// A server with our tables.
#[derive(Debug)]
pub(crate) struct Postgres {
    pool: Pool,
    /// The connection that tells changes, once it has the lock.
    telling: Mutex<Option<Teller>>,
    /// Whether changes are written down to be told.
    tells: bool,
}

struct Teller(Link);

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teller").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Connects, and makes the tables if there are none.
    pub(crate) async fn open(url: &str, connections: usize, tells: bool) -> Result<Self, Error> {
        let place = Database::Postgres(url.to_owned()).to_string();
        let config: Config = url.parse().map_err(Error::failed)?;
        let pool = Pool::new(config, connections)?;
        let opened = |error| match error {
            Error::Unavailable { reason } | Error::Failed { reason } => {
                Error::Open { place: place.clone(), reason }
            }
            error => error,
        };
        let mut link = pool.connect().await.map_err(opened)?;
        schema::migrate(&mut link, &place).await.map_err(opened)?;
        Ok(Self { pool, telling: Mutex::default(), tells })
    }
}

const CONTEXT: &str = "SELECT id, agent, version, updated_at, metadata, content FROM mcpw_contexts";

impl Contexts for Postgres {
    async fn create(&self, tenant: &str, context: Context, key: Option<Uuid>) -> Result<Context, Error> {
        let mut lent = self.pool.link().await?;
        let outcome = patient(create(&mut lent.link, tenant, context, key, self.tells)).await;
        lent.ended(outcome)
    }

    async fn read(&self, tenant: &str, id: Uuid) -> Result<Context, Error> {
        let mut lent = self.pool.link().await?;
        let outcome = patient(async {
            let sql = format!("{CONTEXT} WHERE id = $1 AND tenant = $2");
            let find = lent.link.prepared(&sql).await?;
            let row = lent.link.client.query_opt(&find, &[&id, &tenant]).await.map_err(failure)?;
            context(&row.ok_or(Error::NotFound)?)
        });
        let outcome = outcome.await;
        lent.ended(outcome)
    }

    async fn update(&self, tenant: &str, agent: &str, id: Uuid, change: Change) -> Result<Context, Error> {
        let mut lent = self.pool.link().await?;
        let outcome = patient(update(&mut lent.link, tenant, agent, id, change, self.tells)).await;
        lent.ended(outcome)
    }

    async fn delete(&self, tenant: &str, agent: &str, id: Uuid, expected: Option<i64>) -> Result<i64, Error> {
        let mut lent = self.pool.link().await?;
        let outcome = patient(delete(&mut lent.link, tenant, agent, id, expected, self.tells)).await;
        lent.ended(outcome)
    }

    async fn list(&self, _tenant: &str, filter: Filter, limit: usize) -> Result<Vec<Outline>, Error> {
        let mut lent = self.pool.link().await?;
        let outcome = patient(list(&mut lent.link, &filter, limit)).await;
        lent.ended(outcome)
    }

    async fn search(
        &self,
        tenant: &str,
        query: Query,
        within: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<(f64, Context)>, Error> {
        let mut lent = self.pool.link().await?;
        let outcome = patient(async {
            match within {
                Some(id) => search_in(&mut lent.link, tenant, &query, id).await,
                None => search(&mut lent.link, tenant, &query, limit).await,
            }
        });
        let outcome = outcome.await;
        lent.ended(outcome)
    }

    async fn untold(&self, limit: usize) -> Result<Vec<News>, Error> {
        let mut telling = self.telling.lock().await;
        // Without an answer it is closed, and its lock free for another.
        let mut link = match telling.take() {
            Some(Teller(link)) if !link.client.is_closed() => link,
            _ => {
                let link = self.pool.connect().await?;
                let lock = link.client.query_one("SELECT pg_try_advisory_lock($1)", &[&TELLING]);
                let lock = patient(async { lock.await.map_err(failure) }).await?;
                if !lock.get::<_, bool>(0) {
                    return Ok(Vec::new());
                }
                link
            }
        };
        let news = patient(untold(&mut link, limit)).await?;
        *telling = Some(Teller(link));
        Ok(news)
    }

    async fn told(&self, places: Vec<i64>) -> Result<(), Error> {
        let mut lent = self.pool.link().await?;
        let outcome = patient(async {
            let forget = lent.link.prepared("DELETE FROM mcpw_outbox WHERE place = ANY($1)").await?;
            lent.link.client.execute(&forget, &[&places]).await.map_err(failure)?;
            Ok(())
        });
        let outcome = outcome.await;
        lent.ended(outcome)
    }
}

async fn create(
    link: &mut Link,
    tenant: &str,
    new: Context,
    key: Option<Uuid>,
    tells: bool,
) -> Result<Context, Error> {
    let insert = link
        .prepared(
            "INSERT INTO mcpw_contexts (id, tenant, agent, version, updated_at, request, metadata, words, content) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, ($8::text)::tsvector, $9) ON CONFLICT (request) DO NOTHING",
        )
        .await?;
    let made = link.prepared(&format!("{CONTEXT} WHERE request = $1 AND tenant = $2")).await?;
    let marks = Marks::prepare(link).await?;
    let transaction = link.client.transaction().await.map_err(failure)?;
    let Context { outline, content } = &new;
    let words = Index::new(tenant, &new.text()).vector();
    let values: [&(dyn ToSql + Sync); 9] = [
        &outline.id,
        &tenant,
        &outline.agent,
        &outline.version,
        &outline.updated_at.0,
        &key,
        &outline.metadata.get(),
        &words,
        &content.get(),
    ];
    if transaction.execute(&insert, &values).await.map_err(failure)? == 0 {
        // The same request has made one before.
        let row = transaction.query_one(&made, &[&key, &tenant]).await.map_err(failure)?;
        return context(&row);
    }
    marks.set(&transaction, tenant, outline).await?;
    if tells {
        marks.tell(&transaction, tenant, CREATED, &outline.agent, outline).await?;
    }
    transaction.commit().await.map_err(failure)?;
    Ok(new)
}

async fn update(
    link: &mut Link,
    tenant: &str,
    agent: &str,
    id: Uuid,
    change: Change,
    tells: bool,
) -> Result<Context, Error> {
    let find = link.prepared(&format!("{CONTEXT} WHERE id = $1 AND tenant = $2 FOR UPDATE")).await?;
    let replace = link
        .prepared(
            "UPDATE mcpw_contexts SET version = $2, updated_at = $3, metadata = $4, words = ($5::text)::tsvector, \
             content = $6 WHERE id = $1",
        )
        .await?;
    let marks = Marks::prepare(link).await?;
    let transaction = link.client.transaction().await.map_err(failure)?;
    let row = transaction.query_opt(&find, &[&id, &tenant]).await.map_err(failure)?;
    let new = change.apply(context(&row.ok_or(Error::NotFound)?)?)?;
    let Context { outline, content } = &new;
    let words = Index::new(tenant, &new.text()).vector();
    let values: [&(dyn ToSql + Sync); 6] =
        [&id, &outline.version, &outline.updated_at.0, &outline.metadata.get(), &words, &content.get()];
    transaction.execute(&replace, &values).await.map_err(failure)?;
    marks.clear(&transaction, id).await?;
    marks.set(&transaction, tenant, outline).await?;
    if tells {
        marks.tell(&transaction, tenant, UPDATED, agent, outline).await?;
    }
    transaction.commit().await.map_err(failure)?;
    Ok(new)
}

async fn delete(
    link: &mut Link,
    tenant: &str,
    agent: &str,
    id: Uuid,
    expected: Option<i64>,
    tells: bool,
) -> Result<i64, Error> {
    let find = link.prepared(&format!("{CONTEXT} WHERE id = $1 AND tenant = $2 FOR UPDATE")).await?;
    let remove = link.prepared("DELETE FROM mcpw_contexts WHERE id = $1").await?;
    let marks = Marks::prepare(link).await?;
    let transaction = link.client.transaction().await.map_err(failure)?;
    let row = transaction.query_opt(&find, &[&id, &tenant]).await.map_err(failure)?;
    let outline = outline(&row.ok_or(Error::NotFound)?)?;
    let version = outline.version;
    if expected.is_some_and(|expected| expected != version) {
        return Err(Error::Conflict { version });
    }
    transaction.execute(&remove, &[&id]).await.map_err(failure)?;
    if tells {
        let outline = Outline { updated_at: Time::now(), ..outline };
        marks.tell(&transaction, tenant, DELETED, agent, &outline).await?;
    }
    transaction.commit().await.map_err(failure)?;
    Ok(version)
}

async fn list(link: &mut Link, filter: &Filter, limit: usize) -> Result<Vec<Outline>, Error> {
    let (id, time, least_id, least_time, end) = filter.bounds();
    let label = filter.labels[0];
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&label, &id, &time, &least_id, &least_time, &end];
    values.extend(filter.labels[1..].iter().map(|label| label as &(dyn ToSql + Sync)));
    let statement = link.prepared(&filter.sql(limit)).await?;
    let rows = link.client.query(&statement, &values).await.map_err(failure)?;
    rows.iter().map(outline).collect()
}

async fn search(
    link: &mut Link,
    tenant: &str,
    query: &Query,
    limit: usize,
) -> Result<Vec<(f64, Context)>, Error> {
    // Materialized: otherwise the planner walks all contexts by their ids. 1: long contexts have no advantage.
    let sql = format!(
        "WITH m AS MATERIALIZED (SELECT id FROM mcpw_contexts WHERE words @@ ($1::text)::tsquery AND tenant = $2) \
         SELECT c.id, c.agent, c.version, c.updated_at, c.metadata, c.content, f.score FROM \
         (SELECT r.id, ts_rank(r.words, ($1::text)::tsquery, 1)::float8 AS score FROM \
         (SELECT id FROM m ORDER BY id DESC LIMIT {RANKED}) n JOIN mcpw_contexts r ON r.id = n.id \
         ORDER BY score DESC, r.id DESC LIMIT $3) f \
         JOIN mcpw_contexts c ON c.id = f.id ORDER BY f.score DESC, c.id DESC"
    );
    let statement = link.prepared(&sql).await?;
    let values: [&(dyn ToSql + Sync); 3] = [&query.tsquery(), &tenant, &(limit as i64)];
    let rows = link.client.query(&statement, &values).await.map_err(failure)?;
    rows.iter().map(|row| Ok((row.get(6), context(row)?))).collect()
}

async fn search_in(
    link: &mut Link,
    tenant: &str,
    query: &Query,
    id: Uuid,
) -> Result<Vec<(f64, Context)>, Error> {
    let statement = link
        .prepared(
            "SELECT id, agent, version, updated_at, metadata, content, \
             ts_rank(words, ($1::text)::tsquery, 1)::float8, words @@ ($1::text)::tsquery \
             FROM mcpw_contexts WHERE id = $2 AND tenant = $3",
        )
        .await?;
    let row = link.client.query_opt(&statement, &[&query.tsquery(), &id, &tenant]).await.map_err(failure)?;
    let row = row.ok_or(Error::NotFound)?;
    if row.get(7) { Ok(vec![(row.get(6), context(&row)?)]) } else { Ok(Vec::new()) }
}

async fn untold(link: &mut Link, limit: usize) -> Result<Vec<News>, Error> {
    let sql = "SELECT place, tenant, context, name, version, data FROM mcpw_outbox ORDER BY place LIMIT $1";
    let read = link.prepared(sql).await?;
    let rows = link.client.query(&read, &[&(limit as i64)]).await.map_err(failure)?;
    Ok(rows.iter().map(news).collect())
}

/// What a caller is told: whether the server is out of reach, or something is wrong with what it was asked.
fn failure(error: tokio_postgres::Error) -> Error {
    // Its own words are only "db error" and the like.
    let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let away = match error.code().map(SqlState::code) {
        // Connection, resources, shutdown, a server that only reads, deadlocks: all pass.
        Some(code) => ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class)) || code == "25006",
        None => true,
    };
    if away { Error::Unavailable { reason } } else { Error::Failed { reason } }
}
