//! From rows to contexts.
use serde_json::value::RawValue;
use tokio_postgres::Row;

use crate::Error;
use crate::context::{Context, Outline};
use crate::outbox::News;
use crate::time::Time;

pub(super) fn outline(row: &Row) -> Result<Outline, Error> {
    Ok(Outline {
        id: row.get(0),
        agent: row.get(1),
        version: row.get(2),
        updated_at: Time(row.get(3)),
        metadata: json(row.get(4))?,
    })
}

pub(super) fn context(row: &Row) -> Result<Context, Error> {
    Ok(Context { outline: outline(row)?, content: json(row.get(5))? })
}

fn json(text: String) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(text).map_err(Error::failed)
}

pub(super) fn news(row: &Row) -> News {
    News {
        place: row.get(0),
        tenant: row.get(1),
        context: row.get(2),
        name: row.get(3),
        version: row.get(4),
        data: row.get(5),
    }
}
