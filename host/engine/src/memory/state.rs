//! Everything that is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::time::Millis;
use uuid::Uuid;

use crate::changes::{ChangeSet, LastIds};
use crate::command::Request;
use crate::database::{Changed, FirstIds, IdCounts, ReadSet, Rows};
use crate::error::{Error, Result};
use crate::mapping::MappingChanged;
use crate::master_key::MasterKey;
use crate::outbox::OutFile;
use crate::plugin_choice::PluginChoice;
use crate::registry::StoreChanged;
use crate::rows::{AuditRecord, ConflictRecord};
use crate::secret::{SecretRow, SecretText};
use crate::view::Meta;

use super::deliveries::Deliveries;
use super::events::Events;
use super::tables::{Map, Tables};

/// The bytes of an inbound.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// The day it arrived.
    pub day: i64,
    pub request: Arc<Request>,
}

/// A file of the outbox.
#[derive(Clone, Debug)]
pub(super) struct StoredFile {
    pub connector: Arc<str>,
    pub name: Arc<str>,
    pub size: u64,
    pub at: Millis,
    /// Absent when it has gone with its retention.
    pub content: Option<Arc<OutFile>>,
}

/// All rows. A clone shares them.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub tables: Tables,
    pub deliveries: Deliveries,
    pub events: Events,
    pub bodies: Map<i64, Body>,
    pub conflicts: Map<i64, Arc<ConflictRecord>>,
    pub audit: Map<i64, Arc<AuditRecord>>,
    pub contents: Map<i64, StoredFile>,
    pub mapping_changes: Map<i64, Arc<MappingChanged>>,
    /// By store and version.
    pub store_changes: Map<(Arc<str>, u64), Arc<StoreChanged>>,
    /// Digests of imported files, by what they hold.
    pub imports: Map<Arc<str>, Arc<str>>,
    /// Secrets that were not removed.
    pub secrets: Map<Arc<str>, Arc<(SecretRow, SecretText)>>,
    pub choices: Map<String, Arc<PluginChoice>>,
    /// How many deliveries each connector has settled.
    pub settled: Map<Arc<str>, i64>,
    /// The last numbers that were used.
    pub last: Last,
    pub meta: Meta,
    pub master_key: Option<MasterKey>,
}

/// The last numbers that were used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    pub inbound: i64,
    pub event: i64,
    pub delivery: i64,
    pub file: i64,
    pub conflict: i64,
    pub audit: i64,
    pub mapping_change: i64,
}

impl State {
    pub fn new(meta: Meta) -> Self {
        Self {
            tables: Tables::default(),
            deliveries: Deliveries::default(),
            events: Events::default(),
            bodies: Arc::default(),
            conflicts: Arc::default(),
            audit: Arc::default(),
            contents: Arc::default(),
            mapping_changes: Arc::default(),
            store_changes: Arc::default(),
            imports: Arc::default(),
            secrets: Arc::default(),
            choices: Arc::default(),
            settled: Arc::default(),
            last: Last::default(),
            meta,
            master_key: None,
        }
    }

    /// Reads the rows wanted by key.
    pub fn load(&self, wanted: &ReadSet, rows: &mut Rows) {
        self.tables.load(wanted, rows);
        for id in &wanted.deliveries {
            rows.deliveries.extend(self.deliveries.get(*id).map(|row| (*id, row.clone())));
        }
        for id in &wanted.events {
            rows.events.extend(self.events.get(*id).map(|row| (*id, Arc::clone(row))));
        }
    }

    /// The first numbers of a unit of work that has been allotted others already.
    pub fn allot(&self, allotted: IdCounts) -> FirstIds {
        FirstIds {
            inbound: self.last.inbound + i64::from(allotted.inbounds) + 1,
            event: self.last.event + i64::from(allotted.events) + 1,
            delivery: self.last.delivery + i64::from(allotted.deliveries) + 1,
            file: self.last.file + i64::from(allotted.files) + 1,
        }
    }

    /// Writes the changed rows of the keyed tables.
    pub fn apply(&mut self, changed: &Changed) {
        self.tables.apply(changed);
        for (id, row) in &changed.deliveries {
            self.deliveries.set(*id, row.clone().map(Arc::new));
        }
        for (id, row) in &changed.events {
            match row {
                Some(row) => self.events.add(row),
                None => self.events.remove(*id),
            }
        }
    }

    /// Counts settled deliveries and notes the last numbers.
    pub fn count(&mut self, changes: &ChangeSet) {
        for (connector, by) in changes.settled.iter().filter(|(_, by)| **by != 0) {
            *Arc::make_mut(&mut self.settled).entry(Arc::clone(connector)).or_default() += by;
        }
        let LastIds { inbound, event, delivery, file } = changes.last_ids;
        let raise = |last: &mut i64, used: Option<i64>| *last = (*last).max(used.unwrap_or_default());
        raise(&mut self.last.inbound, inbound);
        raise(&mut self.last.event, event);
        raise(&mut self.last.delivery, delivery);
        raise(&mut self.last.file, file);
    }

    /// Refuses what a unique index of a database refuses.
    pub fn check(&self, changes: &ChangeSet) -> Result<()> {
        let refused = |reason: String| Error::Content { operation: "writing rows", reason };
        let mut new = BTreeMap::new();
        for row in changes.changed.deliveries.iter().filter_map(|(_, row)| row.as_ref()) {
            let unique = (row.event, &row.connector, row.generation);
            let is_other = |id: i64| id != row.id;
            let stored = self.deliveries.of_event(row.event).find(|other| {
                other.connector == row.connector && other.generation == row.generation && is_other(other.id)
            });
            let twice =
                stored.map(|other| other.id).or(new.insert(unique, row.id)).filter(|id| is_other(*id));
            if let Some(other) = twice {
                return Err(refused(format!("deliveries {other} and {} are of the same event", row.id)));
            }
        }
        for append in &changes.appended {
            let crate::changes::Append::Event(row) = append else { continue };
            if self.events.get(row.id).is_some() || self.last.event >= row.id {
                return Err(refused(format!("the number of event {} was used before", row.id)));
            }
        }
        Ok(())
    }

    /// Starts another incarnation.
    pub fn rename(&mut self, incarnation: Uuid) {
        self.meta.incarnation = incarnation;
    }
}
