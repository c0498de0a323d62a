//! What operators maintain: mappings, stores, secrets.

use crossdock_engine::assemble::MAX_NAMED_DELIVERIES;
use crossdock_engine::view::Page;
use crossdock_engine::{
    EVERY_CONNECTOR, MAPPING_PREFIX, MappingChanged, MappingFilter, MappingRow, Missing, Result, SecretRow,
    SecretText, StoreChanged, StoreRow, missing_mapping,
};
use crossdock_model::time::Millis;

use super::{Reader, below};
use crate::sqlite::rows::shown::store;
use crate::sqlite::statement::{Args, Cells, Statement, statements, unreadable};
use crate::vault::Bound;

statements! {
    /// The connector's own before every connector's: `*` is less than any name.
    MAPPING "looking for a mapping":
        "SELECT target FROM mapping WHERE connector IN (?1, ?2) AND tbl = ?3 AND value = ?4 \
         ORDER BY connector = ?2 LIMIT 1";
    MAPPINGS "reading mappings":
        "SELECT connector, tbl, value, target, at, by FROM mapping WHERE (connector, tbl, value) > (?, ?, ?) \
         ORDER BY connector, tbl, value LIMIT ?";
    MAPPINGS_OF "reading mappings":
        "SELECT connector, tbl, value, target, at, by FROM mapping WHERE connector = ? \
         AND (tbl, value) > (?, ?) ORDER BY tbl, value LIMIT ?";
    MAPPINGS_OF_TABLE "reading mappings":
        "SELECT connector, tbl, value, target, at, by FROM mapping WHERE connector = ? AND tbl = ? \
         AND value > ? ORDER BY value LIMIT ?";
    /// Mappings are maintained by people: a table or a value has as many as there are connectors.
    MAPPINGS_IN_TABLE "reading mappings":
        "SELECT connector, tbl, value, target, at, by FROM mapping INDEXED BY mapping_of_table WHERE tbl = ? \
         AND (connector, tbl, value) > (?, ?, ?) ORDER BY connector, value LIMIT ?";
    MAPPINGS_OF_VALUE "reading mappings":
        "SELECT connector, tbl, value, target, at, by FROM mapping INDEXED BY mapping_of_value WHERE value = ? \
         AND (connector, tbl, value) > (?, ?, ?) ORDER BY connector, tbl LIMIT ?";
    HISTORY "reading the history of mappings":
        "SELECT id, connector, tbl, version, at, by, value, old, new FROM mapping_change WHERE id < ? \
         ORDER BY id DESC LIMIT ?";
    HISTORY_OF "reading the history of mappings":
        "SELECT id, connector, tbl, version, at, by, value, old, new FROM mapping_change \
         WHERE connector = ? AND id < ? ORDER BY id DESC LIMIT ?";
    HISTORY_IN_TABLE "reading the history of mappings":
        "SELECT id, connector, tbl, version, at, by, value, old, new FROM mapping_change \
         WHERE tbl = ? AND id < ? ORDER BY id DESC LIMIT ?";
    HISTORY_OF_TABLE "reading the history of mappings":
        "SELECT id, connector, tbl, version, at, by, value, old, new FROM mapping_change \
         WHERE connector = ? AND tbl = ? AND id < ? ORDER BY id DESC LIMIT ?";
    /// Steps from one key to the next, however many deliveries await each.
    AWAITED "looking for values that are not mapped":
        "WITH RECURSIVE awaited (k) AS (\
         SELECT min(awaits) FROM delivery WHERE awaits >= ?1 AND awaits IS NOT NULL AND state IN (3, 6) \
         UNION ALL SELECT (SELECT min(awaits) FROM delivery WHERE awaits > awaited.k AND awaits IS NOT NULL \
         AND state IN (3, 6)) FROM awaited WHERE awaited.k < ?2) \
         SELECT k FROM awaited WHERE k < ?2";
    /// From the index alone.
    AWAITING "counting deliveries that await a mapping":
        "SELECT connector, count(*), min(since) FROM delivery INDEXED BY delivery_awaiting \
         WHERE awaits = ? AND awaits IS NOT NULL AND state IN (3, 6) GROUP BY connector ORDER BY connector";
    NAMED "reading deliveries that await a mapping":
        "SELECT id FROM delivery INDEXED BY delivery_awaiting \
         WHERE awaits = ? AND connector = ? AND awaits IS NOT NULL AND state IN (3, 6) ORDER BY id LIMIT ?";
    IMPORTED "looking for an imported file": "SELECT hash FROM imported_file WHERE name = ?";
    STORE "reading a store": "SELECT record, version, at, by FROM store WHERE id = ?";
    STORE_OF_CODE "looking for a store":
        "SELECT record, version, at, by FROM store_code CROSS JOIN store ON id = store \
         WHERE system = ? AND code = ?";
    STORES "reading stores": "SELECT record, version, at, by FROM store WHERE id > ? ORDER BY id LIMIT ?";
    STORE_HISTORY "reading the history of a store":
        "SELECT version, at, by, record FROM store_change WHERE store = ? ORDER BY version DESC";
    SECRET "reading a secret": "SELECT id, version, sealed FROM secret WHERE name = ? AND sealed IS NOT NULL";
    SECRETS "reading secrets":
        "SELECT name, version, at, by FROM secret WHERE sealed IS NOT NULL ORDER BY name";
}

fn texts<'t>(texts: &'t [&'t str]) -> impl FnOnce(&mut Args) + 't {
    move |args| {
        for text in texts {
            args.add((*text).to_owned());
        }
    }
}

impl Reader<'_> {
    pub(super) async fn mapping(
        &mut self,
        connector: &str,
        table: &str,
        value: &str,
    ) -> Result<Option<String>> {
        let wanted = [connector, EVERY_CONNECTOR, table, value];
        self.first(&MAPPING, texts(&wanted), |cells| cells.next()).await
    }

    pub(super) async fn mappings(&mut self, filter: &MappingFilter) -> Result<Vec<MappingRow>> {
        let none = (String::new(), String::new(), String::new());
        let after = filter.after.as_ref().unwrap_or(&none);
        let (connector_after, table_after, value_after) =
            (after.0.as_str(), after.1.as_str(), after.2.as_str());
        let (statement, values): (&'static Statement, Vec<&str>) =
            match (&filter.connector, &filter.table, &filter.value) {
                (Some(connector), Some(table), None) => {
                    (&MAPPINGS_OF_TABLE, vec![connector, table, value_after])
                }
                (Some(connector), None, None) => (&MAPPINGS_OF, vec![connector, table_after, value_after]),
                (_, _, Some(value)) => {
                    (&MAPPINGS_OF_VALUE, vec![value, connector_after, table_after, value_after])
                }
                (None, Some(table), None) => {
                    (&MAPPINGS_IN_TABLE, vec![table, connector_after, table_after, value_after])
                }
                (None, None, None) => (&MAPPINGS, vec![connector_after, table_after, value_after]),
            };
        let fits = |row: &MappingRow| {
            filter.connector.as_ref().is_none_or(|connector| *connector == row.connector)
                && filter.table.as_ref().is_none_or(|table| *table == row.table)
        };
        let fill = |args: &mut Args| {
            texts(&values)(args);
            // A value has few mappings, and those of other tables are left out below.
            args.add(if filter.value.is_some() { u32::MAX } else { filter.limit });
        };
        let mut rows = self.all(statement, fill, mapping_row).await?;
        rows.retain(fits);
        rows.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
        Ok(rows)
    }

    pub(super) async fn mapping_history(
        &mut self,
        connector: Option<&str>,
        table: Option<&str>,
        page: Page,
    ) -> Result<Vec<MappingChanged>> {
        let statement = match (connector, table) {
            (None, None) => &HISTORY,
            (Some(_), None) => &HISTORY_OF,
            (None, Some(_)) => &HISTORY_IN_TABLE,
            (Some(_), Some(_)) => &HISTORY_OF_TABLE,
        };
        let fill = |args: &mut Args| {
            for text in [connector, table].into_iter().flatten() {
                args.add(text.to_owned());
            }
            args.add(below(page)).add(page.limit);
        };
        let change = |cells: &mut Cells<'_>| {
            Ok(MappingChanged {
                id: cells.next()?,
                connector: cells.next()?,
                table: cells.next()?,
                version: cells.next::<i64>()?.cast_unsigned(),
                at: Millis(cells.next()?),
                by: cells.next()?,
                value: cells.next()?,
                old: cells.next()?,
                new: cells.next()?,
            })
        };
        self.all(statement, fill, change).await
    }

    pub(super) async fn unmapped(&mut self) -> Result<Vec<Missing>> {
        let end = MAPPING_PREFIX.replace('/', "0");
        let keys: Vec<String> =
            self.all(&AWAITED, texts(&[MAPPING_PREFIX, &end]), |cells| cells.next()).await?;
        let mut found: Vec<Missing> = Vec::new();
        for key in &keys {
            let Some((table, value)) = missing_mapping(key) else { continue };
            let wanted = [key.as_str()];
            let counted = self.all(&AWAITING, texts(&wanted), |cells| {
                Ok((cells.next::<String>()?, cells.next::<i64>()?, Millis(cells.next()?)))
            });
            for (connector, waiting, since) in counted.await? {
                let fill = |args: &mut Args| {
                    args.add(key.clone())
                        .add(connector.clone())
                        .add(i64::try_from(MAX_NAMED_DELIVERIES).unwrap_or(i64::MAX));
                };
                let deliveries = self.all(&NAMED, fill, |cells| cells.next()).await?;
                let (table, value) = (table.to_owned(), value.to_owned());
                let waiting = waiting.cast_unsigned();
                found.push(Missing { connector, table, value, waiting, since, deliveries });
            }
        }
        found.sort_by(|a, b| (&a.connector, &a.table, &a.value).cmp(&(&b.connector, &b.table, &b.value)));
        Ok(found)
    }

    pub(super) async fn imported(&mut self, name: &str) -> Result<Option<String>> {
        self.first(&IMPORTED, texts(&[name]), |cells| cells.next()).await
    }

    pub(super) async fn store_of_id(&mut self, id: &str) -> Result<Option<StoreRow>> {
        self.first(&STORE, texts(&[id]), store).await
    }

    pub(super) async fn store_of_code(&mut self, system: &str, code: &str) -> Result<Option<StoreRow>> {
        self.first(&STORE_OF_CODE, texts(&[system, code]), store).await
    }

    pub(super) async fn stores(&mut self, after: Option<&str>, limit: u32) -> Result<Vec<StoreRow>> {
        let fill = |args: &mut Args| {
            args.add(after.unwrap_or_default().to_owned()).add(limit);
        };
        self.all(&STORES, fill, store).await
    }

    pub(super) async fn store_history(&mut self, id: &str) -> Result<Vec<StoreChanged>> {
        let version = |cells: &mut Cells<'_>| {
            let (version, at, by) =
                (cells.next::<i64>()?.cast_unsigned(), Millis(cells.next()?), cells.next()?);
            let record = cells.next::<Option<&str>>()?.map(serde_json::from_str).transpose();
            let record = record.map_err(|error| unreadable("the record of a store", error))?;
            Ok(StoreChanged { version, at, by, record })
        };
        self.all(&STORE_HISTORY, texts(&[id]), version).await
    }

    pub(super) async fn secret(&mut self, name: &str) -> Result<Option<(SecretText, u64)>> {
        let vault = self.vault;
        self.first(&SECRET, texts(&[name]), |cells| {
            let (id, version): (i64, i64) = (cells.next()?, cells.next()?);
            let plain = vault.unseal(Bound::Secret(id, version), cells.next()?)?;
            let text = std::str::from_utf8(&plain).map_err(|error| unreadable("a secret", error))?;
            Ok((SecretText::new(text.to_owned()), version.cast_unsigned()))
        })
        .await
    }

    pub(super) async fn secrets(&mut self) -> Result<Vec<SecretRow>> {
        let secret = |cells: &mut Cells<'_>| {
            Ok(SecretRow {
                name: cells.next()?,
                version: cells.next::<i64>()?.cast_unsigned(),
                at: Millis(cells.next()?),
                by: cells.next()?,
            })
        };
        self.all(&SECRETS, |_| {}, secret).await
    }
}

fn mapping_row(cells: &mut Cells<'_>) -> Result<MappingRow> {
    Ok(MappingRow {
        connector: cells.next()?,
        table: cells.next()?,
        value: cells.next()?,
        target: cells.next()?,
        at: Millis(cells.next()?),
        by: cells.next()?,
    })
}
