//! The store registry: the present records, every version of them, and what systems call them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crossdock_model::time::Millis;

use super::Sqlite;
use super::batch::Batch;
use super::memory::Place;
use super::piles;
use super::read::{all, first};
use super::sql::{Cells, Pile, fetch};
use crate::command::Applied;
use crate::mapping::{Kept, Others, missing};
use crate::registry::{PutStores, StoreChanged, StoreRecord, StoreRow};
use crate::{Error, Result};

fn parse(text: &str) -> Result<StoreRecord> {
    serde_json::from_str(text)
        .map_err(|error| Error::Unreadable { what: "a store's record".into(), why: error.to_string() })
}

fn row(cells: &mut Cells<'_>) -> Result<StoreRow> {
    Ok(StoreRow {
        record: parse(cells.next()?)?,
        version: cells.next::<i64>()?.cast_unsigned(),
        at: Millis(cells.next()?),
        by: cells.next()?,
    })
}

impl Batch<'_> {
    pub(super) async fn put_stores(&mut self, put: &PutStores) -> Result<Applied> {
        let refused =
            |id: &str, why: &str| Error::Invalid { what: "store", id: id.to_owned(), why: why.to_owned() };
        // What there is, by id: the record and who put it.
        let mut known: BTreeMap<String, (StoreRecord, String)> = BTreeMap::new();
        let text = "SELECT record, version, at, by FROM store";
        for stored in fetch(self.connection, "reading stores", text, |_| {}).await? {
            let stored = row(&mut Cells::of(&stored))?;
            known.insert(stored.record.id.clone(), (stored.record, stored.by));
        }
        let mut wanted: BTreeMap<&str, Option<&StoreRecord>> = BTreeMap::new();
        for record in &put.stores {
            if record.id.is_empty() || record.name.is_empty() || record.zone.is_empty() {
                return Err(refused(&record.id, "it needs an id, a name and a zone"));
            }
            if record.codes.iter().any(|(system, code)| system.is_empty() || code.is_empty()) {
                return Err(refused(&record.id, "a code is empty"));
            }
            if wanted.insert(&record.id, Some(record)).is_some() {
                return Err(refused(&record.id, "it is given twice"));
            }
        }
        for id in &put.remove {
            if !known.contains_key(id) {
                return Err(Error::Unknown { what: "store", id: id.clone() });
            }
            if wanted.insert(id, None).is_some() {
                return Err(refused(id, "it is given twice"));
            }
        }
        for (id, (_, by)) in &known {
            let goes = match put.others {
                Others::Keep => false,
                Others::Remove => true,
                Others::RemoveOwn => *by == put.by,
            };
            if goes {
                wanted.entry(id).or_insert(None);
            }
        }
        unique_codes(&known, &wanted)?;
        let mut kept = Kept::default();
        let mut changes = Vec::new();
        for (id, new) in wanted {
            match (known.get(id), new) {
                (Some((old, _)), Some(new)) if old == new => kept.unchanged += 1,
                (None, None) => {}
                (_, Some(new)) => {
                    kept.changed += 1;
                    changes.push((id, Some(new)));
                }
                (Some(_), None) => {
                    kept.removed += 1;
                    changes.push((id, None));
                }
            }
        }
        self.write_stores(&changes, put).await?;
        self.remember_import(put.imported.as_ref(), put.now).await?;
        // Whatever table a plugin missed it in: what it looked up was the store's id or one of its codes.
        let mut names = BTreeSet::new();
        for (id, new) in changes {
            if let Some(record) = new {
                names.insert(id);
                names.extend(record.codes.values().map(String::as_str));
            }
        }
        let places: Vec<Place> = self
            .memory
            .awaiting
            .keys()
            .filter(|place| missing(&place.1).is_some_and(|(_, value)| names.contains(value)))
            .cloned()
            .collect();
        kept.released = self.go_on(places, put.now).await?;
        kept.ready = self.take_ready();
        Ok(Applied::Kept(kept))
    }

    async fn write_stores(
        &mut self,
        changes: &[(&str, Option<&StoreRecord>)],
        put: &PutStores,
    ) -> Result<()> {
        let (mut set, mut gone) = (Pile::new(&piles::STORE), Pile::new(&piles::NO_STORE));
        let (mut codes, mut no_codes) = (Pile::new(&piles::STORE_CODE), Pile::new(&piles::NO_STORE_CODES));
        let mut log = Pile::new(&piles::STORE_CHANGE);
        for (id, new) in changes {
            let text = "SELECT coalesce(max(version), 0) + 1 FROM store_change WHERE store = ?";
            let rows = fetch(self.connection, "reading a store's version", text, |args| {
                args.add(*id);
            });
            let version: i64 = rows.await?.first().map_or(Ok(1), |row| Cells::of(row).next())?;
            let body = new.map(serde_json::to_string).transpose().map_err(|error| Error::Invalid {
                what: "store",
                id: (*id).to_owned(),
                why: error.to_string(),
            })?;
            no_codes.row(|args| {
                args.add(*id);
            });
            match (new, &body) {
                (Some(record), Some(body)) => {
                    set.row(|args| {
                        args.add(*id).add(version).add(body.as_str()).add(put.now.0).add(put.by.as_str());
                    });
                    for (system, code) in &record.codes {
                        codes.row(|args| {
                            args.add(system.as_str()).add(code.as_str()).add(*id);
                        });
                    }
                }
                _ => gone.row(|args| {
                    args.add(*id);
                }),
            }
            log.row(|args| {
                args.add(*id).add(version).add(put.now.0).add(put.by.as_str()).add(body);
            });
            let action = if new.is_some() { "store.put" } else { "store.remove" };
            self.audit(&put.by, action, id, &format!("version {version}"), put.now).await?;
        }
        for mut pile in [no_codes, gone, set, codes, log] {
            pile.write(self.connection, &mut self.memory.texts).await?;
        }
        Ok(())
    }
}

/// Refuses that two stores have the same code in a system.
fn unique_codes(
    known: &BTreeMap<String, (StoreRecord, String)>,
    wanted: &BTreeMap<&str, Option<&StoreRecord>>,
) -> Result<()> {
    let stays =
        known.iter().filter(|(id, _)| !wanted.contains_key(id.as_str())).map(|(_, (record, _))| record);
    let mut codes: HashMap<(&str, &str), &str> = HashMap::new();
    for record in stays.chain(wanted.values().copied().flatten()) {
        for (system, code) in &record.codes {
            if let Some(other) = codes.insert((system, code), &record.id) {
                let id = format!("`{code}` of {system}: {other} has it, and {} wants it", record.id);
                return Err(Error::Taken { what: "store code", id });
            }
        }
    }
    Ok(())
}

impl Sqlite {
    pub(super) async fn store_row(&self, id: &str) -> Result<Option<StoreRow>> {
        let text = "SELECT record, version, at, by FROM store WHERE id = ?";
        first!(self, "reading a store", text, [id], |cells| row(cells)?)
    }

    pub(super) async fn store_row_of(&self, system: &str, code: &str) -> Result<Option<StoreRow>> {
        let text = "SELECT record, version, at, by FROM store_code JOIN store ON id = store \
                    WHERE system = ? AND code = ?";
        first!(self, "looking for a store", text, [system, code], |cells| row(cells)?)
    }

    pub(super) async fn store_rows(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoreRow>> {
        let text = "SELECT record, version, at, by FROM store WHERE id > coalesce(?, '') ORDER BY id LIMIT ?";
        all!(self, "reading stores", text, [after, limit], |cells| row(cells)?)
    }

    pub(super) async fn store_changes(&self, id: &str) -> Result<Vec<StoreChanged>> {
        let text = "SELECT version, at, by, record FROM store_change WHERE store = ? ORDER BY version DESC";
        all!(self, "reading a store's history", text, [id], |cells| StoreChanged {
            version: cells.next::<i64>()?.cast_unsigned(),
            at: Millis(cells.next()?),
            by: cells.next()?,
            record: cells.next::<Option<&str>>()?.map(parse).transpose()?,
        })
    }
}
