//! What holds the reports of several systems about one sale together, and what they count.

use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::Changed;

use super::keyed::Table;
use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::waits::refunds_json;
use crate::sqlite::statement::{Args, statements};

statements! {
    NATURAL_KEY(2) "writing natural keys":
        "INSERT INTO natural_key (key, first) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET first = excluded.first";
    NO_NATURAL_KEY(1) "deleting natural keys": "DELETE FROM natural_key WHERE key IN ({rows})";
    ALIAS(2) "writing aliases":
        "INSERT INTO alias (root, first) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET first = excluded.first";
    NO_ALIAS(1) "deleting aliases": "DELETE FROM alias WHERE root IN ({rows})";
    REFUNDS(2) "writing refunds":
        "INSERT INTO reported_refund (root, refunds) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET refunds = excluded.refunds";
    NO_REFUNDS(1) "deleting refunds": "DELETE FROM reported_refund WHERE root IN ({rows})";
    CLOSING(5) "writing closed days":
        "INSERT INTO closing (store, date, closed_at, arrived, event) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET \
         closed_at = excluded.closed_at, arrived = excluded.arrived, event = excluded.event";
    NO_CLOSING(2) "deleting closed days": "DELETE FROM closing WHERE (store, date) IN (VALUES {rows})";
    LEVEL(7) "writing stock levels":
        "INSERT INTO stock_level (sku, place, source, location, available, believed, sequence) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET \
         available = excluded.available, believed = excluded.believed, sequence = excluded.sequence";
    NO_LEVEL(4) "deleting stock levels":
        "DELETE FROM stock_level WHERE (sku, place, source, location) IN (VALUES {rows})";
    NO_LEVELS(2) "deleting stock levels": "DELETE FROM stock_level WHERE (sku, place) IN (VALUES {rows})";
    MESSAGE(3) "writing messages":
        "INSERT INTO message (connector, id, delivery) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET delivery = excluded.delivery";
    NO_MESSAGE(2) "deleting messages": "DELETE FROM message WHERE (connector, id) IN (VALUES {rows})";
}

/// Binds one text.
pub(super) fn text(args: &mut Args, text: &Arc<str>) {
    args.add(Arc::clone(text));
}

/// Binds two texts.
pub(super) fn pair(args: &mut Args, (first, second): &(Arc<str>, Arc<str>)) {
    args.add(Arc::clone(first)).add(Arc::clone(second));
}

impl ChangeWriter<'_> {
    pub(super) async fn sales(&mut self, changed: &Changed) -> Result<()> {
        let present = &mut self.state.present;
        present.natural_keys |= !changed.natural_keys.is_empty();
        present.aliases |= !changed.aliases.is_empty();
        present.refunds |= !changed.refunds.is_empty();
        present.closings |= !changed.closings.is_empty();
        present.levels |= !changed.levels.is_empty();
        present.messages |= !changed.messages.is_empty();
        for (table, rows) in [
            (Table { put: &NATURAL_KEY, delete: &NO_NATURAL_KEY }, &changed.natural_keys),
            (Table { put: &ALIAS, delete: &NO_ALIAS }, &changed.aliases),
        ] {
            table
                .write(self.connection, rows, text, |args, _, first| {
                    text(args, first);
                    Ok(())
                })
                .await?;
        }
        Table { put: &REFUNDS, delete: &NO_REFUNDS }
            .write(self.connection, &changed.refunds, text, |args, _, refunds| {
                args.add(refunds_json(refunds)?);
                Ok(())
            })
            .await?;
        Table { put: &CLOSING, delete: &NO_CLOSING }
            .write(self.connection, &changed.closings, pair, |args, _, row| {
                args.add(Arc::clone(&row.closing.at)).add(row.closing.arrived.0).add(row.event);
                Ok(())
            })
            .await?;
        Table { put: &MESSAGE, delete: &NO_MESSAGE }
            .write(self.connection, &changed.messages, pair, |args, _, delivery| {
                args.add(*delivery);
                Ok(())
            })
            .await?;
        self.levels(changed).await
    }

    /// A sum has many levels, of which a unit changes one or two: only what differs from what the unit read is
    /// written.
    async fn levels(&mut self, changed: &Changed) -> Result<()> {
        let (mut put, mut deleted) = (BulkStatement::new(&LEVEL), BulkStatement::new(&NO_LEVEL));
        let mut cleared = BulkStatement::new(&NO_LEVELS);
        for (key, new) in &changed.levels {
            let old = self.levels.get(key);
            if old.is_none() {
                cleared.row(|args| pair(args, key));
            }
            let gone = old.into_iter().flat_map(|old| old.keys());
            for place in gone.filter(|place| new.as_ref().is_none_or(|new| !new.contains_key(*place))) {
                deleted.row(|args| {
                    pair(args, key);
                    pair(args, place);
                });
            }
            for (place, level) in new.iter().flatten() {
                if old.and_then(|old| old.get(place)) == Some(level) {
                    continue;
                }
                put.row(|args| {
                    pair(args, key);
                    pair(args, place);
                    args.add(level.available.clone())
                        .add(level.believed)
                        .add(level.sequence.map(u64::cast_signed));
                });
            }
        }
        for bulk in [&mut cleared, &mut deleted, &mut put] {
            bulk.write(self.connection).await?;
        }
        Ok(())
    }
}
