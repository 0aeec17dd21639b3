//! The tables in PostgreSQL, and how they come to be: in one transaction, by one process at a time.
use super::failure;
use super::pool::Link;
use crate::Error;

/// Each brings the schema from its place to the next. None is ever changed once it was released.
const MIGRATIONS: [&str; 1] = [
    // Words and contents are kept apart from the rows, so that walks over many rows read few pages.
    "CREATE TABLE mcpw_contexts (
         id uuid PRIMARY KEY,
         tenant text NOT NULL,
         agent text NOT NULL,
         version bigint NOT NULL,
         updated_at bigint NOT NULL,
         request uuid UNIQUE,
         metadata text NOT NULL,
         words tsvector NOT NULL,
         content text NOT NULL
     ) WITH (toast_tuple_target = 128);
     ALTER TABLE mcpw_contexts ALTER COLUMN metadata SET STORAGE MAIN;
     CREATE INDEX mcpw_contexts_words ON mcpw_contexts USING gin (words) WITH (fastupdate = off);
     CREATE TABLE mcpw_labels (
         label uuid NOT NULL,
         context uuid NOT NULL REFERENCES mcpw_contexts ON DELETE CASCADE,
         updated_at bigint NOT NULL,
         PRIMARY KEY (label, context)
     );
     CREATE INDEX mcpw_labels_by_update ON mcpw_labels (label, updated_at, context);
     CREATE INDEX mcpw_labels_of_context ON mcpw_labels (context);
     CREATE TABLE mcpw_outbox (
         place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         tenant text NOT NULL,
         context uuid NOT NULL,
         name text NOT NULL,
         version bigint NOT NULL,
         data text NOT NULL
     );",
];

/// The newest schema.
const NEWEST: i64 = MIGRATIONS.len() as i64;
/// Nobody else's: `MCPW` and a number.
const MIGRATING: i64 = 0x4D43_5057_0001;

/// Brings the schema up to date.
pub(super) async fn migrate(link: &mut Link, place: &str) -> Result<(), Error> {
    let transaction = link.client.transaction().await.map_err(failure)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).await.map_err(failure)?;
    let there = transaction.query_one("SELECT to_regclass('mcpw_schema') IS NOT NULL", &[]).await;
    let found = if there.map_err(failure)?.get(0) {
        let row = transaction.query_one("SELECT version FROM mcpw_schema", &[]).await.map_err(failure)?;
        row.get(0)
    } else {
        let new = "CREATE TABLE mcpw_schema (version bigint NOT NULL); INSERT INTO mcpw_schema VALUES (0)";
        transaction.batch_execute(new).await.map_err(failure)?;
        0
    };
    if found > NEWEST {
        return Err(Error::Newer { place: place.to_owned(), found, known: NEWEST });
    }
    if found == NEWEST {
        return Ok(());
    }
    for step in &MIGRATIONS[usize::try_from(found).unwrap_or(0)..] {
        transaction.batch_execute(step).await.map_err(failure)?;
    }
    transaction.execute("UPDATE mcpw_schema SET version = $1", &[&NEWEST]).await.map_err(failure)?;
    transaction.commit().await.map_err(failure)
}
