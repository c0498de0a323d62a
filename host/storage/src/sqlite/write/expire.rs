//! What is older than its retention leaves, a bounded part at a time, by index.

use crossdock_engine::{Result, Retention};

use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::statement::{Cells, Statement, execute, fetch_all, statements};

statements! {
    /// Requests that are pending or in quarantine keep their bytes.
    OLD_BODIES "looking for old requests":
        "SELECT inbound_body.inbound FROM inbound_body INDEXED BY inbound_body_of_day \
         LEFT JOIN inbound ON inbound.id = inbound_body.inbound \
         WHERE inbound_body.day < ? AND coalesce(inbound.state, 1) = 1 LIMIT ?";
    NO_BODY(1) "dropping the bytes of requests": "DELETE FROM inbound_body WHERE inbound IN ({rows})";
    WITHOUT_BODY(1) "dropping the bytes of requests": "UPDATE inbound SET has_body = 0 WHERE id IN ({rows})";
    NO_INBOUND "dropping requests":
        "DELETE FROM inbound WHERE id IN (SELECT id FROM inbound \
         WHERE has_body = 0 AND state = 1 AND received_at < ? ORDER BY received_at LIMIT ?)";
    NO_EXCHANGE "dropping exchanges":
        "DELETE FROM exchange WHERE id IN (SELECT id FROM exchange WHERE ended < ? ORDER BY ended LIMIT ?)";
    NO_FILE_BODY "dropping the contents of files":
        "DELETE FROM out_file_body WHERE file IN (SELECT file FROM out_file_body \
         WHERE written_at < ? AND written_at IS NOT NULL ORDER BY written_at LIMIT ?)";
    NO_AUDIT "dropping the audit":
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)";
    NO_CONFLICT "dropping conflicts":
        "DELETE FROM conflict WHERE id IN (SELECT id FROM conflict WHERE at < ? ORDER BY at LIMIT ?)";
    /// The newest version of a table stays: versions are never used again.
    NO_MAPPING_CHANGE "dropping the history of mappings":
        "DELETE FROM mapping_change WHERE id IN (SELECT old.id FROM mapping_change AS old \
         INDEXED BY mapping_change_at WHERE old.at < ? AND EXISTS (SELECT 1 FROM mapping_change AS newer \
         WHERE newer.connector = old.connector AND newer.tbl = old.tbl AND newer.version > old.version) \
         ORDER BY old.at LIMIT ?)";
    NO_STORE_CHANGE "dropping the history of stores":
        "DELETE FROM store_change WHERE (store, version) IN (SELECT old.store, old.version \
         FROM store_change AS old INDEXED BY store_change_at WHERE old.at < ? \
         AND EXISTS (SELECT 1 FROM store_change AS newer WHERE newer.store = old.store \
         AND newer.version > old.version) ORDER BY old.at LIMIT ?)";
    /// A few days at a time, and each looked up by index.
    NO_DAY_KEY "dropping the keys of days":
        "DELETE FROM day_key WHERE day < ? \
         AND NOT EXISTS (SELECT 1 FROM inbound_body WHERE inbound_body.day = day_key.day) \
         AND NOT EXISTS (SELECT 1 FROM exchange WHERE exchange.day = day_key.day) \
         AND NOT EXISTS (SELECT 1 FROM out_file_body WHERE out_file_body.day = day_key.day)";
}

impl ChangeWriter<'_> {
    pub(super) async fn expire(&mut self, retention: &Retention) -> Result<()> {
        let limit = retention.limit;
        let (bodies, records) = (retention.bodies_before, retention.records_before.0);
        let day = bodies.day();
        let old = fetch_all(
            self.connection,
            &OLD_BODIES,
            |args| {
                args.add(day).add(limit);
            },
            |cells: &mut Cells<'_>| cells.next::<i64>(),
        );
        let old = old.await?;
        for statement in [&NO_BODY, &WITHOUT_BODY] {
            let mut bulk = BulkStatement::new(statement);
            for id in &old {
                bulk.row(|args| {
                    args.add(*id);
                });
            }
            bulk.write(self.connection).await?;
        }
        self.written.touched += u64::try_from(old.len()).unwrap_or(u64::MAX);
        self.numbers_leave = true;
        self.drop_before(&NO_INBOUND, retention.orders_before.0, limit).await?;
        self.drop_before(&NO_EXCHANGE, retention.exchanges_before.0, limit).await?;
        self.drop_before(&NO_FILE_BODY, bodies.0, limit).await?;
        self.drop_before(&NO_AUDIT, records, limit).await?;
        self.drop_before(&NO_CONFLICT, records, limit).await?;
        self.drop_before(&NO_MAPPING_CHANGE, records, limit).await?;
        self.drop_before(&NO_STORE_CHANGE, records, limit).await?;
        let keys = execute(self.connection, &NO_DAY_KEY, |args| {
            args.add(day);
        })
        .await?;
        if keys > 0 {
            self.written.destroyed_keys = true;
            self.days.clear();
            self.state.keys.days.clear();
        }
        Ok(())
    }

    async fn drop_before(&mut self, statement: &'static Statement, before: i64, limit: u32) -> Result<()> {
        self.written.touched += execute(self.connection, statement, |args| {
            args.add(before).add(limit);
        })
        .await?;
        Ok(())
    }
}
