//! The keyed tables: each changed row is written whole, or deleted.

use crossdock_engine::Result;
use crossdock_engine::database::Changed;
use sqlx::SqliteConnection;

use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::statement::{Args, Statement};

/// A keyed table: how its rows are written and deleted.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) put: &'static Statement,
    pub(super) delete: &'static Statement,
}

impl Table {
    /// Writes the changed rows: `bind_key` binds a key, `bind_row` what follows it in the statement that writes.
    pub(super) async fn write<K, R>(
        self,
        connection: &mut SqliteConnection,
        changed: &[(K, Option<R>)],
        bind_key: impl Fn(&mut Args, &K),
        bind_row: impl Fn(&mut Args, &K, &R) -> Result<()>,
    ) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let (mut put, mut deleted) = (BulkStatement::new(self.put), BulkStatement::new(self.delete));
        for (key, row) in changed {
            match row {
                None => deleted.row(|args| bind_key(args, key)),
                Some(row) => put.try_row(|args| {
                    bind_key(args, key);
                    bind_row(args, key, row)
                })?,
            }
        }
        deleted.write(connection).await?;
        put.write(connection).await?;
        Ok(())
    }
}

impl ChangeWriter<'_> {
    pub(super) async fn keyed(&mut self, changed: &Changed) -> Result<()> {
        self.queue(changed).await?;
        self.entities(changed).await?;
        self.sales(changed).await?;
        self.connectors(changed).await?;
        self.tables(changed).await
    }
}
