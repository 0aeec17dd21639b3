//! From rows to contexts.
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use serde_json::value::RawValue;

use crate::context::{Context, Outline};
use crate::outbox::News;
use crate::time::Time;

pub(super) fn outline(row: &Row<'_>) -> Result<Outline> {
    Ok(Outline {
        id: row.get(0)?,
        agent: row.get(1)?,
        version: row.get(2)?,
        updated_at: Time(row.get(3)?),
        metadata: json(row, 4)?,
    })
}

pub(super) fn context(row: &Row<'_>) -> Result<Context> {
    Ok(Context { outline: outline(row)?, content: json(row, 5)? })
}

pub(super) fn news(row: &Row<'_>) -> Result<News> {
    Ok(News {
        place: row.get(0)?,
        tenant: row.get(1)?,
        context: row.get(2)?,
        name: row.get(3)?,
        version: row.get(4)?,
        data: row.get(5)?,
    })
}

fn json(row: &Row<'_>, column: usize) -> Result<Box<RawValue>> {
    let text: String = row.get(column)?;
    RawValue::from_string(text)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}
