//! The change set: everything that a unit of work writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossdock_model::time::Millis;
use uuid::Uuid;

use crate::command::Request;
use crate::keys::MappingKey;
use crate::master_key::MasterKey;
use crate::outbox::OutFile;
use crate::plugin_choice::PluginChoice;
use crate::registry::StoreRow;
use crate::row_sets::Changed;
use crate::rows::{AttemptRecord, AuditRecord, ConflictRecord, EventRow};
use crate::secret::SecretText;

/// Everything that a unit of work writes: in one transaction, or not at all.
#[derive(Debug, Default)]
pub struct ChangeSet {
    /// The changed rows of the keyed tables.
    pub changed: Changed,
    /// Rows that are only ever added, in the order they were made, and bulk changes.
    pub appended: Vec<Append>,
    /// By how much the number of settled deliveries of each connector changes.
    pub settled: BTreeMap<Arc<str>, i64>,
    /// The last number of each kind that was used; absent: none was.
    pub last_ids: LastIds,
}

/// The last number of each kind that a unit of work used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastIds {
    /// Of inbounds.
    pub inbound: Option<i64>,
    /// Of events.
    pub event: Option<i64>,
    /// Of deliveries.
    pub delivery: Option<i64>,
    /// Of files.
    pub file: Option<i64>,
}

/// A row that is only ever added, or a bulk change that decides nothing.
#[derive(Clone, Debug)]
pub enum Append {
    /// The bytes of an inbound, sealed with the key of the day it arrived.
    Body {
        /// The inbound.
        inbound: i64,
        /// The day.
        day: i64,
        /// The request.
        request: Arc<Request>,
    },
    /// An event: its row, its content, its personal data and its search terms.
    Event(Arc<EventRow>),
    /// An attempt.
    Attempt(AttemptRecord),
    /// A conflict, once an event and attribute.
    Conflict(ConflictRecord),
    /// An operator's act.
    Audit(AuditRecord),
    /// A file of the outbox with its content.
    File {
        /// Its number.
        id: i64,
        /// The connector.
        connector: Arc<str>,
        /// The file.
        file: Arc<OutFile>,
        /// When.
        at: Millis,
    },
    /// A change of a mapping, under a version of its table.
    MappingChange {
        /// Which.
        key: MappingKey,
        /// The version.
        version: i64,
        /// The value before.
        old: Option<Arc<str>>,
        /// The value since.
        new: Option<Arc<str>>,
        /// When.
        at: Millis,
        /// Who.
        by: Arc<str>,
    },
    /// A version of a store. Without a record: it was removed.
    StoreChange {
        /// The store.
        id: Arc<str>,
        /// The version.
        version: u64,
        /// The record since.
        record: Option<Arc<StoreRow>>,
        /// When.
        at: Millis,
        /// Who.
        by: Arc<str>,
    },
    /// A file that was imported.
    Import {
        /// What it holds.
        name: Arc<str>,
        /// A digest of its content.
        hash: Arc<str>,
        /// When.
        at: Millis,
    },
    /// A version of a secret; without a text it is removed.
    Secret {
        /// Its name.
        name: Arc<str>,
        /// The version.
        version: u64,
        /// Its text.
        value: Option<SecretText>,
        /// When.
        at: Millis,
        /// Who.
        by: Arc<str>,
    },
    /// The plugin that a connector runs.
    PluginChoice(PluginChoice),
    /// The keys of these subjects are destroyed, and their search terms with them.
    EraseSubjects {
        /// Identity texts.
        subjects: Vec<Arc<str>>,
        /// When.
        at: Millis,
    },
    /// These events and deliveries leave, with everything that hangs on them: contents, personal data, attempts,
    /// conflicts, search terms, and the keys of subjects of whom nothing is left.
    Prune {
        /// Events.
        events: Vec<i64>,
        /// Deliveries.
        deliveries: Vec<i64>,
        /// Roots of which nothing is left, for a database that does not know whose events are left.
        roots: Vec<Arc<str>>,
    },
    /// A bounded part of what is older than its retention is deleted: inbounds and their bytes, exchanges, file
    /// contents, day keys, audit entries, conflicts.
    Expire {
        /// See [`crate::Retention`].
        retention: crate::Retention,
    },
    /// The database is sealed under another master key.
    Rekey(MasterKey),
    /// Everything unsettled may have been sent, and numbers skip ahead.
    StartIncarnation {
        /// The new incarnation.
        incarnation: Uuid,
        /// How many numbers to skip.
        skip: u64,
        /// When.
        at: Millis,
    },
}

impl ChangeSet {
    /// True when nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.appended.is_empty() && self.settled.is_empty()
    }
}
