//! Which part of a tenant's contexts is listed, and where the next page begins.
use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::Error;
use crate::context::Outline;
use crate::time::Time;

/// What a list is sorted by. The newest go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// When they were made, which never changes.
    Created,
    /// When they were changed last.
    Updated,
}

/// Which contexts are listed.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// They have every one of these; there is at least one.
    pub(crate) labels: Vec<Uuid>,
    pub(crate) order: Order,
    pub(crate) created: Range<Uuid>,
    pub(crate) updated: Range<i64>,
    /// They come behind this place.
    pub(crate) after: Cursor,
}

/// A place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) updated_at: i64,
    pub(crate) id: Uuid,
}

impl Cursor {
    /// The place before the first.
    pub(crate) const START: Self = Self { updated_at: i64::MAX, id: Uuid::max() };

    /// Where the page behind this context begins.
    pub(crate) fn behind(context: &Outline) -> Self {
        let Time(updated_at) = context.updated_at;
        Self { updated_at, id: context.id }
    }

    pub(crate) fn write(self, order: Order) -> String {
        let mut bytes = vec![order as u8];
        bytes.extend(self.updated_at.to_be_bytes());
        bytes.extend(self.id.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn read(text: &str, order: Order) -> Result<Self, Error> {
        let wrong =
            || Error::invalid("cursor", "use next_cursor of the page before, with otherwise the same params");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let ([kind], rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
        let (updated_at, id) = rest.split_first_chunk().ok_or_else(wrong)?;
        let id = Uuid::from_slice(id).map_err(|_| wrong())?;
        if *kind != order as u8 {
            return Err(wrong());
        }
        Ok(Self { updated_at: i64::from_be_bytes(*updated_at), id })
    }
}

impl Filter {
    /// The query. Its parameters are those of [`Self::bounds`], and then a label for each further one. The walk ends
    /// before the contexts are looked at, and its length is no parameter: a plan is made for it.
    pub(crate) fn sql(&self, limit: usize) -> String {
        let (place, order) = match self.order {
            Order::Created => ("l.context < $2 AND l.updated_at < $3", "l.context DESC"),
            Order::Updated => ("(l.updated_at, l.context) < ($3, $2)", "l.updated_at DESC, l.context DESC"),
        };
        let further = (7..7 + self.labels.len() - 1).fold(String::new(), |all, n| {
            all + &format!(
                " AND EXISTS (SELECT 1 FROM mcpw_labels f WHERE f.label = ${n} AND f.context = l.context)"
            )
        });
        format!(
            "SELECT c.id, c.agent, c.version, c.updated_at, c.metadata FROM \
             (SELECT l.context, l.updated_at FROM mcpw_labels l WHERE l.label = $1 AND {place} \
             AND l.context >= $4 AND l.updated_at >= $5 AND l.context < $6{further} \
             ORDER BY {order} LIMIT {limit}) l JOIN mcpw_contexts c ON c.id = l.context ORDER BY {order}"
        )
    }

    /// The bounds of the walk: the id and the time of the place that the page comes behind, the least id, the least
    /// time, the id that none reaches.
    pub(crate) fn bounds(&self) -> (Uuid, i64, Uuid, i64, Uuid) {
        let (created, updated) = (&self.created, &self.updated);
        let (id, time) = match self.order {
            Order::Created => (created.end.min(self.after.id), updated.end),
            Order::Updated => {
                let (time, id) = (updated.end, Uuid::nil()).min((self.after.updated_at, self.after.id));
                (id, time)
            }
        };
        (id, time, created.start, updated.start, created.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_only_in_its_order() {
        let cursor = Cursor { updated_at: 1_767_225_600_123, id: Uuid::now_v7() };
        let text = cursor.write(Order::Updated);
        assert_eq!(Cursor::read(&text, Order::Updated).unwrap(), cursor);
        assert!(Cursor::read(&text, Order::Created).is_err());
        for wrong in ["", "x", "AAAA", &text[1..], &format!("{text}AA")] {
            assert!(Cursor::read(wrong, Order::Updated).is_err(), "{wrong}");
        }
    }
}
