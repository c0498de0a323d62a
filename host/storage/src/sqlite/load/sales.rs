//! What holds the reports of several systems about one sale together, and what they count.

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::{Answer, ReadSet, Rows};
use crossdock_engine::rows::{ClosingRow, LevelRow};
use crossdock_model::time::Millis;
use crossdock_rules::day::DayClosing;

use super::Loader;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::waits;
use crate::sqlite::statement::{Cells, Statement, fetch_all, statements};

statements! {
    NATURAL_KEYS(1) "reading natural keys": "SELECT key, first FROM natural_key WHERE key IN ({rows})";
    ALIASES(1) "reading aliases": "SELECT root, first FROM alias WHERE root IN ({rows})";
    ALIAS_GROUP "reading the aliases of an order": "SELECT root FROM alias WHERE first = ? ORDER BY root";
    REFUNDS(1) "reading refunds": "SELECT root, refunds FROM reported_refund WHERE root IN ({rows})";
    CLOSINGS(2) "reading closed days":
        "WITH wanted (s, d) AS (VALUES {rows}) SELECT store, date, closed_at, arrived, event \
         FROM wanted CROSS JOIN closing ON store = s AND date = d";
    LEVELS(2) "reading stock levels":
        "WITH wanted (s, p) AS (VALUES {rows}) \
         SELECT sku, place, source, location, available, believed, sequence \
         FROM wanted CROSS JOIN stock_level ON sku = s AND place = p";
    MESSAGES(2) "looking for messages":
        "WITH wanted (c, m) AS (VALUES {rows}) SELECT connector, id, delivery \
         FROM wanted CROSS JOIN message ON connector = c AND id = m";
}

/// A key of two texts.
type Pair = (Arc<str>, Arc<str>);

/// A bulk statement over texts.
pub(super) fn by_text<'k>(
    statement: &'static Statement,
    keys: impl IntoIterator<Item = &'k Arc<str>>,
) -> BulkStatement {
    let mut bulk = BulkStatement::new(statement);
    for key in keys {
        bulk.row(|args| {
            args.add(Arc::clone(key));
        });
    }
    bulk
}

/// A bulk statement over pairs of texts.
pub(super) fn by_pair<'k>(
    statement: &'static Statement,
    keys: impl IntoIterator<Item = &'k Pair>,
) -> BulkStatement {
    let mut bulk = BulkStatement::new(statement);
    for (first, second) in keys {
        bulk.row(|args| {
            args.add(Arc::clone(first)).add(Arc::clone(second));
        });
    }
    bulk
}

/// Reads a pair of texts.
pub(super) fn pair(cells: &mut Cells<'_>) -> Result<Pair> {
    Ok((cells.shared()?, cells.shared()?))
}

impl Loader<'_> {
    pub(super) async fn sales(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        if self.present.natural_keys {
            for row in by_text(&NATURAL_KEYS, &wanted.natural_keys).read(self.connection).await? {
                rows.natural_keys.push(pair(&mut Cells::of(&row))?);
            }
        }
        if self.present.aliases {
            for row in by_text(&ALIASES, &wanted.aliases).read(self.connection).await? {
                rows.aliases.push(pair(&mut Cells::of(&row))?);
            }
        }
        if self.present.refunds {
            for row in by_text(&REFUNDS, &wanted.refunds).read(self.connection).await? {
                let mut cells = Cells::of(&row);
                rows.refunds.push((cells.shared()?, waits::refunds(&mut cells)?));
            }
        }
        if self.present.closings {
            for row in by_pair(&CLOSINGS, &wanted.closings).read(self.connection).await? {
                let mut cells = Cells::of(&row);
                let day = pair(&mut cells)?;
                let closing = DayClosing { at: cells.shared()?, arrived: Millis(cells.next()?) };
                rows.closings.push((day, ClosingRow { closing, event: cells.next()? }));
            }
        }
        if self.present.messages {
            for row in by_pair(&MESSAGES, &wanted.messages).read(self.connection).await? {
                let mut cells = Cells::of(&row);
                rows.messages.push((pair(&mut cells)?, cells.next()?));
            }
        }
        self.levels(wanted, rows).await
    }

    async fn levels(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        if !self.present.levels {
            return Ok(());
        }
        let mut levels: HashMap<Pair, std::collections::BTreeMap<Pair, LevelRow>> = HashMap::new();
        for row in by_pair(&LEVELS, &wanted.levels).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let (sum, location) = (pair(&mut cells)?, pair(&mut cells)?);
            let level = LevelRow {
                available: cells.next()?,
                believed: cells.next()?,
                sequence: cells.next::<Option<i64>>()?.map(i64::cast_unsigned),
            };
            levels.entry(sum).or_default().insert(location, level);
        }
        rows.levels.extend(levels);
        Ok(())
    }

    pub(super) async fn alias_group(&mut self, first: &Arc<str>) -> Result<Answer> {
        if !self.present.aliases {
            return Ok(Answer::Names(Vec::new()));
        }
        let names = fetch_all(
            self.connection,
            &ALIAS_GROUP,
            |args| {
                args.add(Arc::clone(first));
            },
            |cells| cells.shared(),
        );
        Ok(Answer::Names(names.await?))
    }
}
