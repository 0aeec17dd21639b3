//! What goes with every change of a context: its labels, and what is told of it.
use tokio_postgres::types::ToSql;
use tokio_postgres::{Statement, Transaction};
use uuid::Uuid;

use super::failure;
use super::pool::Link;
use crate::context::Outline;
use crate::{Error, labels, outbox};

/// The statements, prepared before the transaction begins.
pub(super) struct Marks {
    set: Statement,
    clear: Statement,
    tell: Statement,
}

impl Marks {
    pub(super) async fn prepare(link: &mut Link) -> Result<Self, Error> {
        Ok(Self {
            set: link
                .prepared(
                    "INSERT INTO mcpw_labels (label, context, updated_at) \
                     SELECT label, $2, $3 FROM unnest($1::uuid[]) AS label ON CONFLICT DO NOTHING",
                )
                .await?,
            clear: link.prepared("DELETE FROM mcpw_labels WHERE context = $1").await?,
            tell: link
                .prepared(
                    "INSERT INTO mcpw_outbox (tenant, context, name, version, data) VALUES ($1, $2, $3, $4, $5)",
                )
                .await?,
        })
    }

    pub(super) async fn set(
        &self,
        on: &Transaction<'_>,
        tenant: &str,
        outline: &Outline,
    ) -> Result<(), Error> {
        let labels = labels::of(tenant, outline);
        let values: [&(dyn ToSql + Sync); 3] = [&labels, &outline.id, &outline.updated_at.0];
        on.execute(&self.set, &values).await.map(|_| ()).map_err(failure)
    }

    pub(super) async fn clear(&self, on: &Transaction<'_>, id: Uuid) -> Result<(), Error> {
        on.execute(&self.clear, &[&id]).await.map(|_| ()).map_err(failure)
    }

    pub(super) async fn tell(
        &self,
        on: &Transaction<'_>,
        tenant: &str,
        name: &str,
        agent: &str,
        outline: &Outline,
    ) -> Result<(), Error> {
        let data = outbox::data(outline.id, outline.version, agent, outline.updated_at);
        let values: [&(dyn ToSql + Sync); 5] = [&tenant, &outline.id, &name, &outline.version, &data];
        on.execute(&self.tell, &values).await.map(|_| ()).map_err(failure)
    }
}
