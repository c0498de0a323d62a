//! Mappings: tables that an operator maintains, each change a version of its table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossdock_rules::outcome::mapping_key;

use crate::applied::Applied;
use crate::changes::Append;
use crate::database::{Answer, Question, ReadSet};
use crate::error::Error;
use crate::keys::MappingKey;
use crate::mapping::{EVERY_CONNECTOR, ImportedFile, PutMappings, Stored, Unlisted};
use crate::rows::MappingEntry;
use crate::state::{Decision, State};

/// How many changes of a table its audit entry names.
const NAMED_CHANGES: usize = 5;

/// A change: the key, the value before and the value since.
type Change = (MappingKey, Option<Arc<str>>, Option<Arc<str>>);

/// The version of each table, by connector and name, with its changes in words.
type TableChanges = BTreeMap<(Arc<str>, Arc<str>), (i64, Vec<String>)>;

impl State<'_> {
    pub(super) fn put_mappings(&mut self, put: &PutMappings) -> Decision<Applied> {
        let wanted = wanted(put)?;
        let keys: Vec<MappingKey> = wanted.keys().cloned().collect();
        let mut targets = wanted;
        for key in self.unlisted_mappings(&keys, put)? {
            targets.entry(key).or_insert(None);
        }
        self.want(ReadSet { mappings: targets.keys().cloned().collect(), ..ReadSet::default() });
        let mut stored = Stored::default();
        let mut changes: Vec<Change> = Vec::new();
        for (key, new) in targets {
            let old = self.mappings(&key)?.map(|entry| Arc::clone(&entry.target));
            match (&old, &new) {
                (old, new) if old == new => {
                    stored.unchanged += 1;
                    continue;
                }
                (_, Some(_)) => stored.changed += 1,
                (_, None) => stored.removed += 1,
            }
            changes.push((key, old, new));
        }
        self.write_mappings(&changes, put)?;
        self.record_import(put.imported.as_ref(), put.now);
        let mapped = changes.iter().filter(|(_, _, new)| new.is_some()).map(|(key, ..)| {
            let of = Some(&key.connector).filter(|connector| ***connector != *EVERY_CONNECTOR);
            (mapping_key(&key.table, &key.value).into(), of.cloned())
        });
        stored.released = self.release_all(&mapped.collect::<Vec<_>>(), put.now)?;
        stored.ready = self.take_ready();
        Ok(Applied::Stored(stored))
    }

    /// The mappings that the list does not name and that are removed by it.
    fn unlisted_mappings(&self, keys: &[MappingKey], put: &PutMappings) -> Decision<BTreeSet<MappingKey>> {
        match put.unlisted {
            Unlisted::Keep => Ok(BTreeSet::new()),
            Unlisted::RemoveOwn => {
                let question = Question::MappingsBy(put.by.as_str().into());
                self.mappings_that(question, |_, entry| *entry.by == *put.by)
            }
            Unlisted::Remove => {
                let mut tables: Vec<_> = keys.iter().map(|key| (&key.connector, &key.table)).collect();
                tables.dedup();
                let mut found = BTreeSet::new();
                for (connector, table) in tables {
                    let of_table = |key: &MappingKey| key.connector == *connector && key.table == *table;
                    let (connector, table) = (Arc::clone(connector), Arc::clone(table));
                    let question = Question::MappingTable { connector, table };
                    found.extend(self.mappings_that(question, |key, _| of_table(key))?);
                }
                Ok(found)
            }
        }
    }

    /// The mappings that answer a question, or that the unit has changed, and that are meant.
    fn mappings_that(
        &self,
        question: Question,
        is_meant: impl Fn(&MappingKey, &MappingEntry) -> bool,
    ) -> Decision<BTreeSet<MappingKey>> {
        let mut found = BTreeSet::new();
        if let Answer::Mappings(stored) = self.ask(question)? {
            self.want(ReadSet {
                mappings: stored.iter().map(|(key, _)| key.clone()).collect(),
                ..ReadSet::default()
            });
            for (key, _) in stored {
                // An earlier command of the unit may have changed or removed it.
                if self.mappings(key)?.is_some_and(|entry| is_meant(key, entry)) {
                    found.insert(key.clone());
                }
            }
        }
        let changed = self.changed_mappings().filter(|(key, entry)| is_meant(key, entry));
        found.extend(changed.map(|(key, _)| key.clone()));
        Ok(found)
    }

    /// Writes changes under the next version of each table.
    fn write_mappings(&mut self, changes: &[Change], put: &PutMappings) -> Decision<()> {
        let by: Arc<str> = put.by.as_str().into();
        let mut tables = TableChanges::new();
        for (key, old, new) in changes {
            let table = (Arc::clone(&key.connector), Arc::clone(&key.table));
            let version = match tables.get(&table) {
                Some((version, _)) => *version,
                None => self.next_mapping_version(&table)?,
            };
            let quoted =
                |it: &Option<Arc<str>>| it.as_ref().map_or("nothing".to_owned(), |it| format!("`{it}`"));
            let named = format!("{}: {} → {}", key.value, quoted(old), quoted(new));
            tables.entry(table).or_insert((version, Vec::new())).1.push(named);
            let entry = new.clone().map(|target| MappingEntry { target, at: put.now, by: Arc::clone(&by) });
            self.set_mapping(key.clone(), entry);
            let (old, new, by) = (old.clone(), new.clone(), Arc::clone(&by));
            self.append(Append::MappingChange { key: key.clone(), version, old, new, at: put.now, by });
        }
        for ((connector, table), (version, named)) in tables {
            let first = named.iter().take(NAMED_CHANGES).cloned().collect::<Vec<_>>().join(", ");
            let more = named.len().saturating_sub(NAMED_CHANGES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let detail = format!("version {version}: {first}{more}");
            self.audit(&put.by, "mapping.put", &format!("{connector}/{table}"), &detail, put.now);
        }
        Ok(())
    }

    fn next_mapping_version(&self, table: &(Arc<str>, Arc<str>)) -> Decision<i64> {
        let (connector, table) = (Arc::clone(&table.0), Arc::clone(&table.1));
        let stored = self.ask_number(Question::MappingVersion {
            connector: Arc::clone(&connector),
            table: Arc::clone(&table),
        })?;
        Ok(stored.max(self.appended_mapping_version(&connector, &table)) + 1)
    }

    /// Records a file that was imported.
    pub(super) fn record_import(
        &mut self,
        imported: Option<&ImportedFile>,
        now: crossdock_model::time::Millis,
    ) {
        if let Some(ImportedFile { name, hash }) = imported {
            let (name, hash) = (name.as_str().into(), hash.as_str().into());
            self.append(Append::Import { name, hash, at: now });
        }
    }
}

/// The listed values by key.
fn wanted(put: &PutMappings) -> Result<BTreeMap<MappingKey, Option<Arc<str>>>, Error> {
    let mut wanted = BTreeMap::new();
    for change in &put.changes {
        let key = MappingKey {
            connector: change.connector.as_str().into(),
            table: change.table.as_str().into(),
            value: change.value.as_str().into(),
        };
        let refused = |reason: &str| {
            Err(Error::Invalid { what: "mapping", id: key.to_string(), reason: reason.to_owned() })
        };
        if key.connector.is_empty() || key.table.is_empty() || key.value.is_empty() {
            return refused("it needs a connector, a table and a value");
        }
        if key.table.contains('/') {
            return refused("a table's name has no slash");
        }
        if change.target.as_deref().is_some_and(str::is_empty) {
            return refused("it leads to nothing");
        }
        if wanted.contains_key(&key) {
            return refused("it is given twice");
        }
        wanted.insert(key, change.target.as_deref().map(Arc::from));
    }
    Ok(wanted)
}
