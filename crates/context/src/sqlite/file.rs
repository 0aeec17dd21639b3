//! A database file before and while it is opened. One that is not ours, not whole or too new is never written to,
//! and nothing is put beside it.
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema::{self, APPLICATION, NEWEST};
use crate::Error;

/// What every SQLite database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header says which schema the file has, and which program it belongs to.
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);
/// What one connection keeps of the file: as SQLite writes it, KiB below 0.
const CACHE: i64 = -16_384;

/// Opens the file for writing, makes it if there is none, and brings its schema up to date.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let found = inspect(path)?;
    let opened = |error: rusqlite::Error| Error::Open { place: place(path), reason: error.to_string() };
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(opened)?;
    prepare(&connection).map_err(opened)?;
    if found != Some(NEWEST) {
        // In the rollback journal's mode, so that the file's own header has the new schema as soon as the tables do.
        connection.pragma_update(None, "journal_mode", "DELETE").map_err(opened)?;
        schema::migrate(&mut connection, found.unwrap_or(0)).map_err(opened)?;
    }
    // FULL: what was acknowledged is on the disk.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(opened)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(opened)?;
    Ok(connection)
}

/// A further connection to the file, which only reads.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, Error> {
    let opened = |error: rusqlite::Error| Error::Open { place: place(path), reason: error.to_string() };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(opened)?;
    prepare(&connection).map_err(opened)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", CACHE)
}

pub(super) fn place(path: &Path) -> String {
    path.display().to_string()
}

/// The schema of the file; none for a file that is still to be made.
fn inspect(path: &Path) -> Result<Option<i64>, Error> {
    let unreadable = |error: std::io::Error| Error::Open { place: place(path), reason: error.to_string() };
    let mut header = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut header).map_err(unreadable)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if header.is_empty() {
        return Ok(None);
    }
    let path = path.to_owned();
    if header.len() < 100 || !header.starts_with(MAGIC) {
        return Err(Error::NotADatabase { path });
    }
    let number =
        |place: usize| header[place..].first_chunk().map_or(0, |bytes| i64::from(i32::from_be_bytes(*bytes)));
    if number(APPLICATION_ID) != APPLICATION {
        return Err(Error::Foreign { path });
    }
    let found = number(USER_VERSION);
    if found > NEWEST {
        return Err(Error::Newer { place: place(&path), found, known: NEWEST });
    }
    check(&path)?;
    Ok(Some(found))
}

/// Looks at every page of the tables.
fn check(path: &Path) -> Result<(), Error> {
    let damaged = |reason: String| Error::Damaged { path: path.to_owned(), reason };
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    // Without a log of writes nothing but the file is read, and nothing is put beside it.
    let log = beside("-wal").metadata().is_ok_and(|log| log.len() > 0);
    let shared = beside("-shm");
    let had_shared = shared.exists();
    let found = look(path, log);
    if found.is_err() && !had_shared && log {
        // What a reader of the log had put there; it holds nothing of its own.
        let _ = std::fs::remove_file(shared);
    }
    match found {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(damaged(reason)),
        Err(error) => match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Err(damaged(error.to_string()))
            }
            _ => Err(Error::Open { place: place(path), reason: error.to_string() }),
        },
    }
}

fn look(path: &Path, log: bool) -> rusqlite::Result<Option<String>> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            byte => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str(if log { "?mode=ro" } else { "?immutable=1" });
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.busy_timeout(BUSY)?;
    let mut tables = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for table in tables {
        let found = connection.query_row(&format!("PRAGMA quick_check(\"{table}\")"), [], |row| row.get(0));
        match found? {
            fine if fine == "ok" => {}
            reason => return Ok(Some(reason)),
        }
    }
    Ok(None)
}
