//! What operators maintain: mappings, the store registry, secrets.

use std::sync::Arc;

use crossdock_engine::MAPPING_PREFIX;
use crossdock_engine::Result;
use crossdock_engine::database::{Answer, Question, ReadSet, Rows};
use crossdock_engine::keys::MappingKey;
use crossdock_engine::rows::{MappingEntry, SecretVersion};
use crossdock_model::time::Millis;

use super::Loader;
use super::sales::by_text;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::shown::store;
use crate::sqlite::statement::{Args, Cells, Statement, fetch_all, statements};

statements! {
    MAPPINGS(3) "reading mappings":
        "WITH wanted (c, t, v) AS (VALUES {rows}) SELECT connector, tbl, value, target, at, by FROM wanted \
         CROSS JOIN mapping ON connector = c AND tbl = t AND value = v";
    STORES(1) "reading stores": "SELECT record, version, at, by FROM store WHERE id IN ({rows})";
    SECRETS(1) "reading the versions of secrets":
        "SELECT name, version, sealed IS NOT NULL FROM secret WHERE name IN ({rows})";
    MAPPING_TABLE "reading a mapping table":
        "SELECT connector, tbl, value, target, at, by FROM mapping WHERE connector = ? AND tbl = ?";
    MAPPINGS_BY "reading the mappings of a person":
        "SELECT connector, tbl, value, target, at, by FROM mapping WHERE by = ?";
    MAPPING_VERSION "reading the version of a mapping table":
        "SELECT coalesce(max(version), 0) FROM mapping_change WHERE connector = ? AND tbl = ?";
    /// Steps from one key to the next, however many deliveries await each. What begins with `mapping/` is less than
    /// `mapping0`.
    AWAITED_MAPPINGS "reading awaited mappings":
        "WITH RECURSIVE awaited (k) AS (\
         SELECT min(awaits) FROM delivery WHERE awaits >= ?1 AND awaits IS NOT NULL AND state IN (3, 6) \
         UNION ALL SELECT (SELECT min(awaits) FROM delivery WHERE awaits > awaited.k AND awaits IS NOT NULL \
         AND state IN (3, 6)) FROM awaited WHERE awaited.k < ?2) \
         SELECT k FROM awaited WHERE k < ?2";
    ALL_STORES "reading stores": "SELECT record, version, at, by FROM store ORDER BY id";
    STORE_VERSION "reading the version of a store":
        "SELECT coalesce(max(version), 0) FROM store_change WHERE store = ?";
    STORE_CHANGED_AT "looking for a store":
        "SELECT coalesce(max(at), 0) FROM store \
         WHERE id IN (SELECT ?1 UNION SELECT store FROM store_code WHERE code = ?1)";
}

impl Loader<'_> {
    pub(super) async fn tables(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        let mut mappings = BulkStatement::new(&MAPPINGS);
        for key in &wanted.mappings {
            mappings.row(|args| {
                args.add(Arc::clone(&key.connector)).add(Arc::clone(&key.table)).add(Arc::clone(&key.value));
            });
        }
        for row in mappings.read(self.connection).await? {
            rows.mappings.push(mapping(&mut Cells::of(&row))?);
        }
        for row in by_text(&STORES, &wanted.stores).read(self.connection).await? {
            let store = store(&mut Cells::of(&row))?;
            rows.stores.push((store.record.id.as_str().into(), store));
        }
        for row in by_text(&SECRETS, &wanted.secrets).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let (name, version) = (cells.shared()?, cells.next::<i64>()?.cast_unsigned());
            rows.secrets.push((name, SecretVersion { version, present: cells.next()? }));
        }
        Ok(())
    }

    pub(super) async fn table_answer(&mut self, question: &Question) -> Result<Answer> {
        match question {
            Question::MappingTable { connector, table } => {
                let fill = |args: &mut Args| {
                    args.add(Arc::clone(connector)).add(Arc::clone(table));
                };
                let found = fetch_all(self.connection, &MAPPING_TABLE, fill, mapping).await?;
                Ok(Answer::Mappings(found))
            }
            Question::MappingsBy(by) => {
                let fill = |args: &mut Args| {
                    args.add(Arc::clone(by));
                };
                Ok(Answer::Mappings(fetch_all(self.connection, &MAPPINGS_BY, fill, mapping).await?))
            }
            Question::MappingVersion { connector, table } => {
                let fill = |args: &mut Args| {
                    args.add(Arc::clone(connector)).add(Arc::clone(table));
                };
                self.number(&MAPPING_VERSION, fill).await
            }
            Question::Stores => {
                Ok(Answer::Stores(fetch_all(self.connection, &ALL_STORES, |_| {}, store).await?))
            }
            Question::StoreVersion(id) => {
                let fill = |args: &mut Args| {
                    args.add(Arc::clone(id));
                };
                self.number(&STORE_VERSION, fill).await
            }
            Question::StoreChangedAt(value) => {
                let fill = |args: &mut Args| {
                    args.add(Arc::clone(value));
                };
                self.number(&STORE_CHANGED_AT, fill).await
            }
            _ => self.awaited_mappings().await,
        }
    }

    async fn number(
        &mut self,
        statement: &'static Statement,
        fill: impl FnOnce(&mut Args),
    ) -> Result<Answer> {
        Ok(Answer::Numbers(fetch_all(self.connection, statement, fill, |cells| cells.next()).await?))
    }

    async fn awaited_mappings(&mut self) -> Result<Answer> {
        if !self.present.awaiting {
            return Ok(Answer::Names(Vec::new()));
        }
        let names = fetch_all(
            self.connection,
            &AWAITED_MAPPINGS,
            |args| {
                args.add(MAPPING_PREFIX).add(MAPPING_PREFIX.replace('/', "0"));
            },
            |cells| cells.shared(),
        );
        Ok(Answer::Names(names.await?))
    }
}

fn mapping(cells: &mut Cells<'_>) -> Result<(MappingKey, MappingEntry)> {
    let key = MappingKey { connector: cells.shared()?, table: cells.shared()?, value: cells.shared()? };
    let entry = MappingEntry { target: cells.shared()?, at: Millis(cells.next()?), by: cells.shared()? };
    Ok((key, entry))
}
