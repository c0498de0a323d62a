//! The store registry: every change of a store is a version of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::applied::Applied;
use crate::changes::Append;
use crate::database::{Answer, Question, ReadSet};
use crate::error::Error;
use crate::mapping::{Stored, Unlisted, missing_mapping};
use crate::registry::{PutStores, StoreRecord, StoreRow};
use crate::state::{Decision, State};

type Known = BTreeMap<String, StoreRow>;
/// The record that each store is to have; none: it is removed.
type Wanted<'p> = BTreeMap<&'p str, Option<&'p StoreRecord>>;

impl State<'_> {
    pub(super) fn put_stores(&mut self, put: &PutStores) -> Decision<Applied> {
        let known = self.known_stores()?;
        let wanted = wanted(put, &known)?;
        unique_codes(&known, &wanted)?;
        let mut stored = Stored::default();
        let mut changes = Vec::new();
        for (id, new) in wanted {
            match (known.get(id), new) {
                (Some(old), Some(new)) if old.record == *new => stored.unchanged += 1,
                (None, None) => {}
                (_, Some(new)) => {
                    stored.changed += 1;
                    changes.push((id, Some(new)));
                }
                (Some(_), None) => {
                    stored.removed += 1;
                    changes.push((id, None));
                }
            }
        }
        let versions = changes.iter().map(|(id, _)| Question::StoreVersion((*id).into()));
        let stores = changes.iter().map(|(id, _)| (*id).into());
        self.want(ReadSet { questions: versions.collect(), stores: stores.collect(), ..ReadSet::default() });
        for (id, record) in &changes {
            self.write_store(id, *record, put)?;
        }
        self.record_import(put.imported.as_ref(), put.now);
        stored.released = self.release_stores(&changes, put)?;
        stored.ready = self.take_ready();
        Ok(Applied::Stored(stored))
    }

    fn known_stores(&self) -> Decision<Known> {
        let mut known = Known::new();
        if let Answer::Stores(stores) = self.ask(Question::Stores)? {
            let ids = stores.iter().map(|store| store.record.id.as_str().into());
            self.want(ReadSet { stores: ids.collect(), ..ReadSet::default() });
            for store in stores {
                // An earlier command of the unit may have changed or removed it.
                if let Some(row) = self.stores(&store.record.id.as_str().into())? {
                    known.insert(row.record.id.clone(), row.clone());
                }
            }
        }
        for row in self.changed_stores() {
            known.insert(row.record.id.clone(), row.clone());
        }
        Ok(known)
    }

    fn write_store(&mut self, id: &str, record: Option<&StoreRecord>, put: &PutStores) -> Decision<()> {
        let key: Arc<str> = id.into();
        self.stores(&key)?;
        let stored = self.ask_number(Question::StoreVersion(Arc::clone(&key)))?;
        let version = u64::try_from(stored).unwrap_or_default().max(self.appended_store_version(&key)) + 1;
        let by: Arc<str> = put.by.as_str().into();
        let row = record.map(|record| StoreRow {
            record: record.clone(),
            version,
            at: put.now,
            by: put.by.clone(),
        });
        self.set_store(Arc::clone(&key), row.clone());
        let action = if row.is_some() { "store.put" } else { "store.remove" };
        self.append(Append::StoreChange { id: key, version, record: row.map(Arc::new), at: put.now, by });
        self.audit(&put.by, action, id, &format!("version {version}"), put.now);
        Ok(())
    }

    /// Releases what awaits a store that is there now, in whatever table a plugin missed it: it looked up the
    /// store's id or one of its codes.
    fn release_stores(&mut self, changes: &[(&str, Option<&StoreRecord>)], put: &PutStores) -> Decision<u64> {
        let mut names = BTreeSet::new();
        for (id, record) in changes {
            if let Some(record) = record {
                names.insert(*id);
                names.extend(record.codes.values().map(String::as_str));
            }
        }
        if names.is_empty() {
            return Ok(0);
        }
        let mut awaited = self.ask_names(Question::AwaitedMappings)?;
        // The database does not know yet what this very unit began to await.
        awaited.extend(self.changed_awaited());
        awaited.sort_unstable();
        awaited.dedup();
        awaited.retain(|key| missing_mapping(key).is_some_and(|(_, value)| names.contains(value)));
        let awaited: Vec<_> = awaited.into_iter().map(|key| (key, None)).collect();
        self.release_all(&awaited, put.now)
    }
}

fn wanted<'p>(put: &'p PutStores, known: &'p Known) -> Result<Wanted<'p>, Error> {
    let refused = |id: &str, reason: &str| {
        Err(Error::Invalid { what: "store", id: id.to_owned(), reason: reason.to_owned() })
    };
    let mut wanted = Wanted::new();
    for record in &put.stores {
        if record.id.is_empty() || record.name.is_empty() || record.zone.is_empty() {
            return refused(&record.id, "it needs an id, a name and a zone");
        }
        if record.codes.iter().any(|(system, code)| system.is_empty() || code.is_empty()) {
            return refused(&record.id, "a code is empty");
        }
        if wanted.insert(&record.id, Some(record)).is_some() {
            return refused(&record.id, "it is given twice");
        }
    }
    for id in &put.remove {
        if !known.contains_key(id) {
            return Err(Error::Unknown { what: "store", id: id.clone() });
        }
        if wanted.insert(id, None).is_some() {
            return refused(id, "it is given twice");
        }
    }
    for (id, row) in known {
        let goes = match put.unlisted {
            Unlisted::Keep => false,
            Unlisted::Remove => true,
            Unlisted::RemoveOwn => row.by == put.by,
        };
        if goes {
            wanted.entry(id).or_insert(None);
        }
    }
    Ok(wanted)
}

/// Refuses that two stores have the same code in a system.
fn unique_codes(known: &Known, wanted: &Wanted<'_>) -> Result<(), Error> {
    let stays = known.iter().filter(|(id, _)| !wanted.contains_key(id.as_str())).map(|(_, row)| &row.record);
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
