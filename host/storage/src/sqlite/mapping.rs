//! Tables of mappings: their present state, every change that led there, and who waits for what they lack.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crossdock_model::time::Millis;
use sqlx::AssertSqlSafe;

use super::Sqlite;
use super::batch::Batch;
use super::memory::Place;
use super::piles;
use super::read::all;
use super::sql::{Args, Cells, Pile, execute, fetch};
use crate::command::Applied;
use crate::mapping::{
    EVERY_CONNECTOR, Imported, Kept, MappingChanged, MappingFilter, MappingRow, Missing, Others, PREFIX,
    PutMappings, missing, waits_for,
};
use crate::view::Page;
use crate::{Error, Result};

/// The most deliveries that are named as waiting for one value.
const MOST_NAMED: usize = 1000;

/// Connector, table and value.
type Name = (String, String, String);

impl Batch<'_> {
    pub(super) async fn put_mappings(&mut self, put: &PutMappings) -> Result<Applied> {
        let mut wanted: BTreeMap<Name, Option<String>> = BTreeMap::new();
        for change in &put.changes {
            let name = (change.connector.clone(), change.table.clone(), change.value.clone());
            let refused = |why: &str| {
                let id = format!("{}/{}/{}", name.0, name.1, name.2);
                Error::Invalid { what: "mapping", id, why: why.to_owned() }
            };
            if name.0.is_empty() || name.1.is_empty() || name.2.is_empty() {
                return Err(refused("it needs a connector, a table and a value"));
            }
            if name.1.contains('/') {
                return Err(refused("a table's name has no slash"));
            }
            if change.target.as_deref().is_some_and(str::is_empty) {
                return Err(refused("it leads to nothing"));
            }
            if wanted.contains_key(&name) {
                return Err(refused("it is given twice"));
            }
            wanted.insert(name, change.target.clone());
        }
        let known = self.known_mappings(&wanted, put).await?;
        for name in known.keys() {
            // Only what the list does not name is missing in it.
            wanted.entry(name.clone()).or_insert(None);
        }
        let mut kept = Kept::default();
        let mut tables: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        let mut changes = Vec::new();
        for (name, target) in &wanted {
            let old = known.get(name);
            match (old, target) {
                (old, new) if old == new.as_ref() => {
                    kept.unchanged += 1;
                    continue;
                }
                (_, Some(_)) => kept.changed += 1,
                (_, None) => kept.removed += 1,
            }
            let said = |it: Option<&String>| it.map_or_else(|| "nothing".to_owned(), |it| format!("`{it}`"));
            tables.entry((&name.0, &name.1)).or_default().push(format!(
                "{}: {} → {}",
                name.2,
                said(old),
                said(target.as_ref())
            ));
            changes.push((name, old, target.as_ref()));
        }
        let versions = self.write_mappings(&changes, put).await?;
        for ((connector, table), said) in tables {
            let version = versions.get(&(connector, table)).copied().unwrap_or_default();
            let first = said.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            let more = said.len().saturating_sub(5);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let detail = format!("version {version}: {first}{more}");
            self.audit(&put.by, "mapping.put", &format!("{connector}/{table}"), &detail, put.now).await?;
        }
        self.remember_import(put.imported.as_ref(), put.now).await?;
        for (name, _, target) in changes {
            if target.is_some() {
                kept.released += self.mapping_put(&name.0, &waits_for(&name.1, &name.2), put.now).await?;
            }
        }
        kept.ready = self.take_ready();
        Ok(Applied::Kept(kept))
    }

    /// What there is of the values, and of those that have to go.
    async fn known_mappings(
        &mut self,
        wanted: &BTreeMap<Name, Option<String>>,
        put: &PutMappings,
    ) -> Result<HashMap<Name, String>> {
        let mut asked = Pile::new(&piles::MAPPINGS);
        for (connector, table, value) in wanted.keys() {
            asked.row(|args| {
                args.add(connector.as_str()).add(table.as_str()).add(value.as_str());
            });
        }
        let mut rows = asked.read(self.connection, &mut self.memory.texts).await?;
        match put.others {
            Others::Keep => {}
            Others::RemoveOwn => {
                let text = "SELECT connector, tbl, value, target FROM mapping WHERE by = ?";
                let own = fetch(self.connection, "reading mappings", text, |args| {
                    args.add(put.by.as_str());
                });
                rows.extend(own.await?);
            }
            Others::Remove => {
                let named: BTreeSet<_> = wanted.keys().map(|name| (&name.0, &name.1)).collect();
                for (connector, table) in named {
                    let text = "SELECT connector, tbl, value, target FROM mapping \
                                WHERE connector = ? AND tbl = ?";
                    let all = fetch(self.connection, "reading mappings", text, |args| {
                        args.add(connector.as_str()).add(table.as_str());
                    });
                    rows.extend(all.await?);
                }
            }
        }
        let mut known = HashMap::new();
        for row in &rows {
            let mut cells = Cells::of(row);
            known.insert((cells.next()?, cells.next()?, cells.next()?), cells.next()?);
        }
        Ok(known)
    }

    /// Writes changes down, under the next version of each table.
    async fn write_mappings<'n>(
        &mut self,
        changes: &[(&'n Name, Option<&String>, Option<&String>)],
        put: &PutMappings,
    ) -> Result<HashMap<(&'n str, &'n str), i64>> {
        let mut versions: HashMap<(&str, &str), i64> = HashMap::new();
        let (mut set, mut removed) = (Pile::new(&piles::MAPPING), Pile::new(&piles::NO_MAPPING));
        let mut log = Pile::new(&piles::MAPPING_CHANGE);
        for (name, old, new) in changes {
            let (connector, table, value) = (name.0.as_str(), name.1.as_str(), name.2.as_str());
            let version = match versions.get(&(connector, table)) {
                Some(version) => *version,
                None => {
                    let text = "SELECT coalesce(max(version), 0) + 1 FROM mapping_change \
                                WHERE connector = ? AND tbl = ?";
                    let rows = fetch(self.connection, "reading a table's version", text, |args| {
                        args.add(connector).add(table);
                    });
                    let next = rows.await?.first().map_or(Ok(1), |row| Cells::of(row).next())?;
                    versions.insert((connector, table), next);
                    next
                }
            };
            match new {
                Some(target) => set.row(|args| {
                    args.add(connector).add(table).add(value).add(target.as_str());
                    args.add(put.now.0).add(put.by.as_str());
                }),
                None => removed.row(|args| {
                    args.add(connector).add(table).add(value);
                }),
            }
            log.row(|args| {
                args.add(connector).add(table).add(version).add(put.now.0).add(put.by.as_str()).add(value);
                args.add(old.map(String::as_str)).add(new.map(String::as_str));
            });
        }
        for mut pile in [set, removed, log] {
            pile.write(self.connection, &mut self.memory.texts).await?;
        }
        Ok(versions)
    }

    /// Remembers what a file held that was imported.
    pub(super) async fn remember_import(&mut self, imported: Option<&Imported>, now: Millis) -> Result<()> {
        let Some(imported) = imported else { return Ok(()) };
        let text = "INSERT INTO imported (name, hash, at) VALUES (?, ?, ?) \
                    ON CONFLICT DO UPDATE SET hash = excluded.hash, at = excluded.at";
        execute(self.connection, "remembering what was imported", text, |args| {
            args.add(imported.name.as_str()).add(imported.hash.as_str()).add(now.0);
        })
        .await?;
        Ok(())
    }

    /// Lets go on what waits for a value, of one connector or of every one. Answers how many deliveries.
    async fn mapping_put(&mut self, connector: &str, text: &str, now: Millis) -> Result<u64> {
        let places: Vec<Place> = if connector == EVERY_CONNECTOR {
            self.memory.awaiting.keys().filter(|place| *place.1 == *text).cloned().collect()
        } else {
            vec![(Arc::from(connector), Arc::from(text))]
        };
        self.go_on(places, now).await
    }

    /// Lets go on what waits at places. Answers how many deliveries.
    pub(super) async fn go_on(&mut self, places: Vec<Place>, now: Millis) -> Result<u64> {
        let mut released = 0;
        for place in places {
            let waiting = |batch: &Self| batch.memory.awaiting.get(&place).map_or(0, BTreeSet::len);
            let before = waiting(self);
            self.release(&place, now).await?;
            released += before.saturating_sub(waiting(self));
        }
        Ok(u64::try_from(released).unwrap_or(u64::MAX))
    }
}

impl Sqlite {
    pub(super) async fn mapped(&self, connector: &str, table: &str, value: &str) -> Result<Option<String>> {
        let text = "SELECT target FROM mapping WHERE connector IN (?, '*') AND tbl = ? AND value = ? \
                    ORDER BY connector = '*' LIMIT 1";
        let rows: Result<Vec<String>> =
            all!(self, "reading a mapping", text, [connector, table, value], |cells| cells.next()?);
        Ok(rows?.pop())
    }

    pub(super) async fn mapping_rows(&self, filter: &MappingFilter) -> Result<Vec<MappingRow>> {
        let mut text = String::from("SELECT connector, tbl, value, target, at, by FROM mapping WHERE TRUE");
        let mut args = Args::default();
        for (column, wanted) in
            [("connector", &filter.connector), ("tbl", &filter.table), ("value", &filter.value)]
        {
            if let Some(wanted) = wanted {
                text.push_str(&format!(" AND {column} = ?"));
                args.add(wanted.as_str());
            }
        }
        if let Some((connector, table, value)) = &filter.after {
            text.push_str(" AND (connector, tbl, value) > (?, ?, ?)");
            args.add(connector.as_str()).add(table.as_str()).add(value.as_str());
        }
        text.push_str(" ORDER BY connector, tbl, value LIMIT ?");
        args.add(filter.limit);
        let mut reader = self.reader().await?;
        let rows = fetch(&mut reader, "reading mappings", AssertSqlSafe(text), |it| *it = args).await?;
        rows.iter()
            .map(|row| {
                let mut cells = Cells::of(row);
                Ok(MappingRow {
                    connector: cells.next()?,
                    table: cells.next()?,
                    value: cells.next()?,
                    target: cells.next()?,
                    at: Millis(cells.next()?),
                    by: cells.next()?,
                })
            })
            .collect()
    }

    pub(super) async fn mapping_changes(
        &self,
        connector: Option<&str>,
        table: Option<&str>,
        page: Page,
    ) -> Result<Vec<MappingChanged>> {
        let text = "SELECT id, connector, tbl, version, at, by, value, before, after FROM mapping_change \
                    WHERE id < coalesce(?1, id + 1) AND connector = coalesce(?2, connector) \
                    AND tbl = coalesce(?3, tbl) ORDER BY id DESC LIMIT ?4";
        all!(self, "reading mappings' history", text, [page.before, connector, table, page.limit], |cells| {
            MappingChanged {
                id: cells.next()?,
                connector: cells.next()?,
                table: cells.next()?,
                version: cells.next::<i64>()?.cast_unsigned(),
                at: Millis(cells.next()?),
                by: cells.next()?,
                value: cells.next()?,
                old: cells.next()?,
                new: cells.next()?,
            }
        })
    }

    pub(super) async fn missing_values(&self) -> Result<Vec<Missing>> {
        let text = "SELECT connector, waits_for, id, since FROM delivery WHERE waits_for >= ?1 \
                    AND waits_for < ?2 AND waits_for IS NOT NULL AND state IN (3, 6) \
                    ORDER BY connector, waits_for, id";
        // What begins with `mapping/` is less than `mapping0`.
        let end = PREFIX.replace('/', "0");
        let rows: Result<Vec<(String, String, i64, i64)>> = all!(
            self,
            "looking for what is not mapped",
            text,
            [PREFIX, end],
            |cells| (cells.next()?, cells.next()?, cells.next()?, cells.next()?)
        );
        let mut found: Vec<Missing> = Vec::new();
        for (connector, text, delivery, since) in rows? {
            let Some((table, value)) = missing(&text) else { continue };
            let same =
                |last: &Missing| last.connector == connector && last.table == table && last.value == value;
            match found.last_mut().filter(|last| same(last)) {
                Some(last) => {
                    last.waiting += 1;
                    last.since = last.since.min(Millis(since));
                    if last.deliveries.len() < MOST_NAMED {
                        last.deliveries.push(delivery);
                    }
                }
                None => found.push(Missing {
                    table: table.to_owned(),
                    value: value.to_owned(),
                    connector,
                    waiting: 1,
                    since: Millis(since),
                    deliveries: vec![delivery],
                }),
            }
        }
        Ok(found)
    }

    pub(super) async fn imported_hash(&self, name: &str) -> Result<Option<String>> {
        let text = "SELECT hash FROM imported WHERE name = ?";
        let rows: Result<Vec<String>> =
            all!(self, "reading what was imported", text, [name], |cells| cells.next()?);
        Ok(rows?.pop())
    }
}
