//! Rows that are only ever added, and bulk changes.

use std::sync::Arc;

use crate::changes::Append;
use crate::mapping::MappingChanged;
use crate::registry::StoreChanged;
use crate::rows::{FileRow, SecretVersion};
use crate::secret::SecretRow;

use super::retention;
use super::state::{Body, State, StoredFile};

/// Writes one of them. Answers how many rows a bulk change touched.
pub(super) fn append(state: &mut State, append: &Append) -> u64 {
    match append {
        Append::Body { inbound, day, request } => {
            let body = Body { day: *day, request: Arc::clone(request) };
            Arc::make_mut(&mut state.bodies).insert(*inbound, body);
        }
        Append::Event(row) => state.events.add(row),
        Append::Attempt(record) => state.events.add_attempt(record),
        Append::Conflict(record) => {
            let is_same = |known: &Arc<crate::rows::ConflictRecord>| {
                known.event == record.event && known.attribute == record.attribute
            };
            if !state.conflicts.values().any(is_same) {
                state.last.conflict += 1;
                Arc::make_mut(&mut state.conflicts).insert(state.last.conflict, Arc::new(record.clone()));
            }
        }
        Append::Audit(record) => {
            state.last.audit += 1;
            Arc::make_mut(&mut state.audit).insert(state.last.audit, Arc::new(record.clone()));
        }
        Append::File { id, connector, file, at } => {
            let stored = StoredFile {
                connector: Arc::clone(connector),
                name: file.name.as_str().into(),
                size: u64::try_from(file.content.len()).unwrap_or(u64::MAX),
                at: *at,
                content: Some(Arc::clone(file)),
            };
            Arc::make_mut(&mut state.contents).insert(*id, stored);
            let waits = || Arc::new(FileRow { written_at: None, carries: Vec::new() });
            Arc::make_mut(&mut state.tables.files).entry(*id).or_insert_with(waits);
        }
        Append::PluginChoice(choice) => {
            let choices = Arc::make_mut(&mut state.choices);
            choices.insert(choice.connector.clone(), Arc::new(choice.clone()));
        }
        Append::Import { name, hash, at: _ } => {
            Arc::make_mut(&mut state.imports).insert(Arc::clone(name), Arc::clone(hash));
        }
        Append::MappingChange { .. } | Append::StoreChange { .. } | Append::Secret { .. } => {
            record(state, append);
        }
        Append::EraseSubjects { subjects, at: _ } => state.events.erase(subjects),
        Append::Prune { events, deliveries, roots } => retention::prune(state, events, deliveries, roots),
        Append::Expire { retention } => return retention::expire(state, retention),
        Append::Rekey(key) => state.master_key = Some(key.clone()),
        Append::StartIncarnation { incarnation, skip, at } => {
            state.rename(*incarnation);
            return retention::start_incarnation(state, *skip, *at);
        }
    }
    0
}

/// Writes a version of a table that operators maintain.
fn record(state: &mut State, append: &Append) {
    match append {
        Append::MappingChange { key, version, old, new, at, by } => {
            state.last.mapping_change += 1;
            let id = state.last.mapping_change;
            let change = MappingChanged {
                id,
                connector: key.connector.to_string(),
                table: key.table.to_string(),
                version: version.cast_unsigned(),
                at: *at,
                by: by.to_string(),
                value: key.value.to_string(),
                old: old.as_deref().map(str::to_owned),
                new: new.as_deref().map(str::to_owned),
            };
            Arc::make_mut(&mut state.mapping_changes).insert(id, Arc::new(change));
        }
        Append::StoreChange { id, version, record, at, by } => {
            let record = record.as_ref().map(|row| row.record.clone());
            let change = StoreChanged { version: *version, at: *at, by: by.to_string(), record };
            Arc::make_mut(&mut state.store_changes).insert((Arc::clone(id), *version), Arc::new(change));
        }
        Append::Secret { name, version, value, at, by } => {
            let known = SecretVersion { version: *version, present: value.is_some() };
            Arc::make_mut(&mut state.tables.secrets).insert(Arc::clone(name), Arc::new(known));
            let secrets = Arc::make_mut(&mut state.secrets);
            match value {
                Some(text) => {
                    let (name, by) = (Arc::clone(name), by.to_string());
                    let row = SecretRow { name: name.to_string(), version: *version, at: *at, by };
                    secrets.insert(name, Arc::new((row, text.clone())));
                }
                None => drop(secrets.remove(name)),
            }
        }
        _ => {}
    }
}
