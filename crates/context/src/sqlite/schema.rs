//! The tables in SQLite, and how they come to be. A file says in its header which program it belongs to and which
//! schema it has; both change together with the tables, in one transaction.
use rusqlite::Connection;

/// `MCPW`: the file is ours.
pub(super) const APPLICATION: i64 = 0x4D43_5057;

/// Each brings the schema from its place to the next. None is ever changed once it was released.
const MIGRATIONS: [&str; 1] = [
    // A context's own row first; its content last, so that lists read past none of it.
    "CREATE TABLE mcpw_contexts (
         row INTEGER PRIMARY KEY,
         id BLOB NOT NULL UNIQUE,
         tenant TEXT NOT NULL,
         agent TEXT NOT NULL,
         version INTEGER NOT NULL,
         updated_at INTEGER NOT NULL,
         request BLOB UNIQUE,
         metadata TEXT NOT NULL,
         content TEXT NOT NULL
     ) STRICT;
     CREATE TABLE mcpw_labels (
         label BLOB NOT NULL,
         context BLOB NOT NULL,
         updated_at INTEGER NOT NULL,
         PRIMARY KEY (label, context)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX mcpw_labels_by_update ON mcpw_labels (label, updated_at, context);
     CREATE INDEX mcpw_labels_of_context ON mcpw_labels (context);
     CREATE VIRTUAL TABLE mcpw_words USING fts5 (
         words, content = '', contentless_delete = 1, tokenize = 'ascii'
     );
     CREATE TABLE mcpw_outbox (
         place INTEGER PRIMARY KEY AUTOINCREMENT,
         tenant TEXT NOT NULL,
         context BLOB NOT NULL,
         name TEXT NOT NULL,
         version INTEGER NOT NULL,
         data TEXT NOT NULL
     ) STRICT;",
];

/// The newest schema.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection, found: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let found = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map(|now: i64| now.max(found))?;
    let done = usize::try_from(found).unwrap_or(usize::MAX).min(MIGRATIONS.len());
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()
}
