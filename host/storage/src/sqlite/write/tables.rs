//! What operators maintain: mappings and stores. Secrets are appended.

use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::Changed;

use super::keyed::Table;
use super::sales::text;
use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::statement::{statements, to_json};

statements! {
    MAPPING(6) "writing mappings":
        "INSERT INTO mapping (connector, tbl, value, target, at, by) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET target = excluded.target, at = excluded.at, by = excluded.by";
    NO_MAPPING(3) "deleting mappings": "DELETE FROM mapping WHERE (connector, tbl, value) IN (VALUES {rows})";
    STORE(5) "writing stores":
        "INSERT INTO store (id, version, record, at, by) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET \
         version = excluded.version, record = excluded.record, at = excluded.at, by = excluded.by";
    NO_STORE(1) "deleting stores": "DELETE FROM store WHERE id IN ({rows})";
    STORE_CODE(3) "writing the codes of stores":
        "INSERT INTO store_code (system, code, store) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL";
    NO_STORE_CODE(1) "deleting the codes of stores": "DELETE FROM store_code WHERE store IN ({rows})";
}

impl ChangeWriter<'_> {
    pub(super) async fn tables(&mut self, changed: &Changed) -> Result<()> {
        Table { put: &MAPPING, delete: &NO_MAPPING }
            .write(
                self.connection,
                &changed.mappings,
                |args, key| {
                    args.add(Arc::clone(&key.connector))
                        .add(Arc::clone(&key.table))
                        .add(Arc::clone(&key.value));
                },
                |args, _, entry| {
                    args.add(Arc::clone(&entry.target)).add(entry.at.0).add(Arc::clone(&entry.by));
                    Ok(())
                },
            )
            .await?;
        Table { put: &STORE, delete: &NO_STORE }
            .write(self.connection, &changed.stores, text, |args, _, store| {
                args.add(store.version.cast_signed())
                    .add(to_json("a store", &store.record)?)
                    .add(store.at.0)
                    .add(store.by.clone());
                Ok(())
            })
            .await?;
        // Codes may move from one store to another: all old ones go before new ones come.
        let (mut dropped, mut codes) = (BulkStatement::new(&NO_STORE_CODE), BulkStatement::new(&STORE_CODE));
        for (id, store) in &changed.stores {
            dropped.row(|args| text(args, id));
            for (system, code) in store.iter().flat_map(|store| &store.record.codes) {
                codes.row(|args| {
                    args.add(system.clone()).add(code.clone()).add(Arc::clone(id));
                });
            }
        }
        dropped.write(self.connection).await?;
        codes.write(self.connection).await?;
        Ok(())
    }
}
