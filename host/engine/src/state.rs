//! The state of a unit of work: the rows that it has read, what its commands made of them, and what they want to
//! read next.
//!
//! A decision asks for a row and gets it, or [`Stop::Missing`]: then the row is in the read set, the command's
//! changes are taken back, and the command is decided again once the rows are there. So a decision is plain code
//! without I/O, and a command that is refused has changed nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crossdock_model::common::Reference;
use crossdock_model::time::Millis;
use crossdock_rules::attributes::Fingerprint;
use crossdock_rules::entity_state::EntityState;
use crossdock_rules::refund::ReportedRefund;
use crossdock_rules::safeguards::Safeguards;

use crate::changes::{Append, ChangeSet};
use crate::delivery::{Delivery, InFlight};
use crate::error::Error;
use crate::ids::Ids;
use crate::index::Index;
use crate::keys::{DedupeKey, EntityKey, LaneKey, MappingKey};
use crate::question::{Answer, Pass, Question};
use crate::registry::StoreRow;
use crate::row_sets::{Changed, IdCounts, ReadSet, Rows, with_tables};
use crate::rows::{
    ClosingRow, EventRow, FileRow, InFlightWait, InboundRow, KeyRow, LevelKey, LevelRow, MappingEntry,
    OutboundWrites, SecretVersion,
};
use crate::table::Table;
use crate::view::{Cursor, Pause};

/// Why a decision ends without an answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Rows have to be read first; they are in the read set.
    Missing,
    /// The command is refused.
    Refused(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The outcome of a decision.
pub(crate) type Decision<T> = Result<T, Stop>;

macro_rules! declare_tables {
    ($($(#[$doc:meta])* $table:ident: $key:ty => $row:ty;)+) => {
        /// The keyed tables.
        #[derive(Debug, Default)]
        struct Tables {
            $($table: Table<$key, $row>,)+
        }

        impl Tables {
            fn load(&mut self, wanted: &ReadSet, rows: &mut Rows) {
                $(
                    for (key, row) in std::mem::take(&mut rows.$table) {
                        self.$table.load(key, Some(row));
                    }
                    for key in &wanted.$table {
                        self.$table.load(key.clone(), None);
                    }
                )+
            }

            fn keep(&mut self) {
                $(self.$table.keep();)+
            }

            fn undo(&mut self) {
                $(self.$table.undo();)+
            }

            fn changed(&self) -> Changed {
                Changed {
                    $($table: self.$table.changes().map(|(key, _, row)| (key.clone(), row.cloned())).collect(),)+
                }
            }
        }

        // Some tables are only read, some only written.
        #[allow(dead_code)]
        impl State<'_> {
            $(
                $(#[$doc])*
                ///
                /// The row of a key, or none where it has none.
                pub(crate) fn $table(&self, key: &$key) -> Decision<Option<&$row>> {
                    match self.tables.$table.get(key) {
                        Some(row) => Ok(row),
                        None => {
                            self.wanted.borrow_mut().$table.insert(key.clone());
                            Err(Stop::Missing)
                        }
                    }
                }
            )+

            /// Adds the keys to the read set that are not known yet.
            pub(crate) fn want(&self, more: ReadSet) {
                let mut wanted = self.wanted.borrow_mut();
                $(
                    for key in more.$table {
                        if self.tables.$table.is_unknown(&key) {
                            wanted.$table.insert(key);
                        }
                    }
                )+
                for question in more.questions {
                    if !self.answers.contains_key(&question) {
                        wanted.questions.insert(question);
                    }
                }
                wanted.ids = more_ids(wanted.ids, more.ids);
            }
        }
    };
}

with_tables!(declare_tables);

/// Generates the plain writers of tables. `numbered`: the keys are numbers that the unit allots, which no other unit has
/// a row of. Other rows are written only after they were read, so that the read set names them.
macro_rules! setters {
    (numbered: $numbered:literal; $($set:ident $table:ident: $key:ty => $row:ty;)+) => {
        impl State<'_> {
            $(
                /// Changes a row, or deletes it.
                pub(crate) fn $set(&mut self, key: $key, row: Option<$row>) {
                    debug_assert!(
                        $numbered || !self.tables.$table.is_unknown(&key),
                        concat!("a row of ", stringify!($table), " is written that was not read"),
                    );
                    self.tables.$table.set(key, row);
                }
            )+
        }
    };
}

setters! {
    numbered: true;
    set_inbound inbounds: i64 => InboundRow;
    set_event events: i64 => Arc<EventRow>;
    set_in_flight_wait in_flight_waits: i64 => InFlightWait;
    set_file files: i64 => FileRow;
}

setters! {
    numbered: false;
    set_inbound_key inbound_keys: DedupeKey => i64;
    set_event_key event_keys: Arc<str> => KeyRow;
    set_entity entities: EntityKey => EntityState;
    set_pin pins: Arc<str> => Arc<str>;
    set_references references: EntityKey => Vec<Reference>;
    set_outbound_writes outbound_writes: EntityKey => OutboundWrites;
    set_natural_key natural_keys: Arc<str> => Arc<str>;
    set_alias aliases: Arc<str> => Arc<str>;
    set_refunds refunds: Arc<str> => Vec<ReportedRefund>;
    set_closing closings: (Arc<str>, Arc<str>) => ClosingRow;
    set_levels levels: (Arc<str>, Arc<str>) => BTreeMap<LevelKey, LevelRow>;
    set_message messages: (Arc<str>, Arc<str>) => i64;
    set_pause pauses: Arc<str> => Pause;
    set_cursor cursors: Arc<str> => Cursor;
    set_serial serials: Arc<str> => u64;
    set_sequence sequences: (Arc<str>, Arc<str>) => u64;
    set_file_name file_names: (Arc<str>, Arc<str>) => i64;
    set_mapping mappings: MappingKey => MappingEntry;
    set_store stores: Arc<str> => StoreRow;
    set_secret secrets: Arc<str> => SecretVersion;
    set_token tokens: Arc<str> => ([u8; 32], Millis);
    set_release releases: (Arc<str>, Arc<str>) => ();
    set_position positions: Pass => (i64, i64);
}

/// The state of a unit of work.
pub(crate) struct State<'d> {
    tables: Tables,
    index: Index,
    answers: HashMap<Question, Answer>,
    wanted: RefCell<ReadSet>,
    ids: Ids,
    appended: Vec<Append>,
    /// Where the command at hand began.
    begun: (usize, Ids),
    /// Connectors that have something to claim since the command at hand began.
    ready: BTreeSet<Arc<str>>,
    safeguards: Safeguards,
    fingerprint: &'d (dyn Fn(&[u8]) -> Fingerprint + Send + Sync),
}

impl<'d> State<'d> {
    pub(crate) fn new(
        safeguards: Safeguards,
        fingerprint: &'d (dyn Fn(&[u8]) -> Fingerprint + Send + Sync),
    ) -> Self {
        Self {
            tables: Tables::default(),
            index: Index::default(),
            answers: HashMap::new(),
            wanted: RefCell::default(),
            ids: Ids::default(),
            appended: Vec::new(),
            begun: (0, Ids::default()),
            ready: BTreeSet::new(),
            safeguards,
            fingerprint,
        }
    }

    /// The rows that decisions asked for since the last call.
    pub(crate) fn take_wanted(&mut self) -> ReadSet {
        std::mem::take(self.wanted.get_mut())
    }

    /// Takes in rows that were read.
    pub(crate) fn load(&mut self, wanted: &ReadSet, mut rows: Rows) {
        self.ids.extend(wanted.ids, rows.ids);
        let loaded = std::mem::take(&mut rows.deliveries);
        for (_, delivery) in loaded {
            self.load_delivery(delivery);
        }
        for (question, answer) in std::mem::take(&mut rows.answers) {
            let answer = match answer {
                Answer::Deliveries(deliveries) => {
                    Answer::Numbers(deliveries.into_iter().map(|row| self.load_delivery(row)).collect())
                }
                Answer::Mappings(mappings) => {
                    for (key, entry) in &mappings {
                        self.tables.mappings.load(key.clone(), Some(entry.clone()));
                    }
                    Answer::Mappings(mappings)
                }
                Answer::Stores(stores) => {
                    for store in &stores {
                        self.tables.stores.load(store.record.id.as_str().into(), Some(store.clone()));
                    }
                    Answer::Stores(stores)
                }
                Answer::Replay(found) => {
                    for (delivery, _) in &found {
                        self.load_delivery(delivery.clone());
                    }
                    Answer::Replay(found)
                }
                answer => answer,
            };
            self.answers.entry(question).or_insert(answer);
        }
        self.tables.load(wanted, &mut rows);
    }

    fn load_delivery(&mut self, delivery: Delivery) -> i64 {
        let id = delivery.id;
        if self.tables.deliveries.is_unknown(&id) {
            self.index.add(&delivery);
            self.tables.deliveries.load(id, Some(delivery));
        }
        id
    }

    /// The answer to a question.
    pub(crate) fn ask(&self, question: Question) -> Decision<&Answer> {
        match self.answers.get(&question) {
            Some(answer) => Ok(answer),
            None => {
                self.wanted.borrow_mut().questions.insert(question);
                Err(Stop::Missing)
            }
        }
    }

    /// The deliveries that answer a question, by number, in its order.
    pub(crate) fn ask_deliveries(&self, question: Question) -> Decision<Vec<i64>> {
        match self.ask(question)? {
            Answer::Numbers(ids) => Ok(ids.clone()),
            _ => Err(mismatch("deliveries")),
        }
    }

    /// The names that answer a question.
    pub(crate) fn ask_names(&self, question: Question) -> Decision<Vec<Arc<str>>> {
        match self.ask(question)? {
            Answer::Names(names) => Ok(names.clone()),
            _ => Err(mismatch("names")),
        }
    }

    /// The pairs of names that answer a question.
    pub(crate) fn ask_pairs(&self, question: Question) -> Decision<Vec<(Arc<str>, Arc<str>)>> {
        match self.ask(question)? {
            Answer::Pairs(pairs) => Ok(pairs.clone()),
            _ => Err(mismatch("pairs of names")),
        }
    }

    /// The number that answers a question; 0 where there is none.
    pub(crate) fn ask_number(&self, question: Question) -> Decision<i64> {
        match self.ask(question)? {
            Answer::Numbers(numbers) => Ok(numbers.first().copied().unwrap_or_default()),
            _ => Err(mismatch("a number")),
        }
    }

    /// A command begins.
    pub(crate) fn begin(&mut self) {
        self.ready.clear();
        self.begun = (self.appended.len(), self.ids);
    }

    /// The command was done: its changes stay.
    pub(crate) fn keep(&mut self) {
        self.tables.keep();
        self.index.keep();
    }

    /// The command was refused or needs more rows: its changes are taken back.
    pub(crate) fn undo(&mut self) {
        for id in self.index.take_touched() {
            if let Some(Some(delivery)) = self.tables.deliveries.get(&id) {
                self.index.remove(delivery);
            }
        }
        let touched = self.tables.deliveries.undo();
        for id in touched {
            if let Some(Some(delivery)) = self.tables.deliveries.get(&id) {
                self.index.add(delivery);
            }
        }
        self.tables.undo();
        self.appended.truncate(self.begun.0);
        self.ids = self.begun.1;
    }

    /// Everything that the unit's commands changed.
    pub(crate) fn into_changes(self) -> ChangeSet {
        let mut settled: BTreeMap<Arc<str>, i64> = BTreeMap::new();
        for (_, before, after) in self.tables.deliveries.changes() {
            let is_settled = |delivery: Option<&Delivery>| delivery.is_some_and(|it| !it.state.is_open());
            let delta = i64::from(is_settled(after)) - i64::from(is_settled(before));
            if let (true, Some(delivery)) = (delta != 0, after.or(before)) {
                *settled.entry(Arc::clone(&delivery.connector)).or_default() += delta;
            }
        }
        ChangeSet {
            changed: self.tables.changed(),
            appended: self.appended,
            settled,
            last_ids: self.ids.used(),
        }
    }

    /// Adds a row that is only ever added.
    pub(crate) fn append(&mut self, row: Append) {
        self.appended.push(row);
    }

    pub(crate) fn safeguards(&self) -> Safeguards {
        self.safeguards
    }

    /// A fingerprint of a personal text.
    pub(crate) fn fingerprint(&self, personal: &[u8]) -> Fingerprint {
        (self.fingerprint)(personal)
    }

    /// A delivery in whatever state.
    pub(crate) fn delivery(&self, id: i64) -> Decision<&Delivery> {
        self.deliveries(&id)?.ok_or_else(|| Error::Unknown { what: "delivery", id: id.to_string() }.into())
    }

    /// Changes a delivery.
    pub(crate) fn change(&mut self, id: i64, change: impl FnOnce(&mut Delivery)) -> Decision<()> {
        let mut delivery = self.delivery(id)?.clone();
        self.index.remove(&delivery);
        change(&mut delivery);
        self.put(delivery);
        Ok(())
    }

    /// Adds a delivery with a number of its own.
    pub(crate) fn add(&mut self, delivery: Delivery) {
        self.put(delivery);
    }

    fn put(&mut self, delivery: Delivery) {
        self.index.add(&delivery);
        self.index.touch(delivery.id);
        self.tables.deliveries.set(delivery.id, Some(delivery));
    }

    /// The open deliveries of a lane, by number.
    pub(crate) fn lane(&self, lane: &LaneKey) -> Decision<Vec<&Delivery>> {
        self.ask(Question::Lane(lane.clone()))?;
        Ok(self.rows(self.index.lane(lane)))
    }

    /// The deliveries that await a key, by number, and whether the database has more than were read: of one
    /// connector, or of every one.
    pub(crate) fn awaiting(
        &self,
        key: &Arc<str>,
        connector: Option<&Arc<str>>,
        limit: u32,
    ) -> Decision<(Vec<&Delivery>, bool)> {
        let (key, of) = (Arc::clone(key), connector.cloned());
        let mut waiting = self.rows(self.index.awaiting(&key));
        waiting.retain(|delivery| connector.is_none_or(|connector| delivery.connector == *connector));
        let read = self.ask_deliveries(Question::Awaiting { key, connector: of, limit })?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        // The unit may know more of them than it asked for.
        let more = read.len() >= most || waiting.len() > most;
        waiting.truncate(most);
        Ok((waiting, more))
    }

    /// The deliveries in flight to a connector.
    pub(crate) fn in_flight(&self, connector: &Arc<str>) -> Decision<Vec<InFlight>> {
        let stored = match self.ask(Question::InFlight(Arc::clone(connector)))? {
            Answer::InFlight(stored) => stored,
            _ => return Err(mismatch("deliveries in flight")),
        };
        let unknown = |row: &&InFlight| self.tables.deliveries.is_unknown(&row.delivery);
        let mut all: Vec<InFlight> = stored.iter().filter(unknown).cloned().collect();
        all.extend(self.rows(self.index.in_flight(connector)).into_iter().map(|row| InFlight {
            delivery: row.id,
            lane: Arc::clone(&row.lane),
            lease_until: row.lease_until,
        }));
        Ok(all)
    }

    /// The deliveries that the unit has changed, of one connector.
    pub(crate) fn changed_deliveries(&self, connector: &str) -> impl Iterator<Item = &Delivery> {
        self.tables
            .deliveries
            .changes()
            .filter_map(|(_, _, row)| row)
            .filter(move |row| *row.connector == *connector)
    }

    /// What deliveries await that the unit has changed.
    pub(crate) fn changed_awaited(&self) -> impl Iterator<Item = Arc<str>> {
        let changed = self.tables.deliveries.changes().filter_map(|(_, _, row)| row);
        changed.filter(|delivery| delivery.is_awaiting()).filter_map(|delivery| delivery.awaits.clone())
    }

    /// The mappings that the unit has changed and not removed.
    pub(crate) fn changed_mappings(&self) -> impl Iterator<Item = (&MappingKey, &MappingEntry)> {
        self.tables.mappings.changes().filter_map(|(key, _, entry)| Some((key, entry?)))
    }

    /// The waits for in-flight writes that the unit has changed.
    pub(crate) fn changed_waits(&self) -> impl Iterator<Item = (i64, &InFlightWait)> {
        self.tables.in_flight_waits.changes().filter_map(|(id, _, wait)| Some((*id, wait?)))
    }

    /// The aliases that the unit has changed: an order, and the first order of its sale.
    pub(crate) fn changed_aliases(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.tables.aliases.changes().filter_map(|(order, _, first)| Some((order, first?)))
    }

    /// The stores that the unit has changed and not removed.
    pub(crate) fn changed_stores(&self) -> impl Iterator<Item = &StoreRow> {
        self.tables.stores.changes().filter_map(|(_, _, row)| row)
    }

    /// The last version of a mapping table that the unit has made; 0 when it has made none.
    pub(crate) fn appended_mapping_version(&self, connector: &str, table: &str) -> i64 {
        let versions = self.appended.iter().filter_map(|row| match row {
            Append::MappingChange { key, version, .. }
                if *key.connector == *connector && *key.table == *table =>
            {
                Some(*version)
            }
            _ => None,
        });
        versions.max().unwrap_or_default()
    }

    /// The last version of a store that the unit has made; 0 when it has made none.
    pub(crate) fn appended_store_version(&self, store: &str) -> u64 {
        let versions = self.appended.iter().filter_map(|row| match row {
            Append::StoreChange { id, version, .. } if **id == *store => Some(*version),
            _ => None,
        });
        versions.max().unwrap_or_default()
    }

    /// True when the unit has changed a delivery.
    pub(crate) fn is_changed(&self, id: i64) -> bool {
        self.tables.deliveries.is_changed(&id)
    }

    fn rows(&self, ids: impl Iterator<Item = i64>) -> Vec<&Delivery> {
        ids.filter_map(|id| self.tables.deliveries.get(&id).flatten()).collect()
    }

    /// Notes that a connector has something to claim.
    pub(crate) fn note_ready(&mut self, connector: &Arc<str>) {
        self.ready.insert(Arc::clone(connector));
    }

    /// The connectors that have something to claim since the command began.
    pub(crate) fn take_ready(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ready).into_iter().map(|name| name.to_string()).collect()
    }

    /// A new number of an inbound.
    pub(crate) fn next_inbound(&mut self) -> Decision<i64> {
        self.ids
            .inbounds
            .next()
            .ok_or_else(|| self.want_ids(IdCounts { inbounds: 64, ..IdCounts::default() }))
    }

    /// A new number of an event.
    pub(crate) fn next_event(&mut self) -> Decision<i64> {
        self.ids.events.next().ok_or_else(|| self.want_ids(IdCounts { events: 64, ..IdCounts::default() }))
    }

    /// A new number of a delivery.
    pub(crate) fn next_delivery(&mut self) -> Decision<i64> {
        self.ids
            .deliveries
            .next()
            .ok_or_else(|| self.want_ids(IdCounts { deliveries: 64, ..IdCounts::default() }))
    }

    /// A new number of a file.
    pub(crate) fn next_file(&mut self) -> Decision<i64> {
        self.ids.files.next().ok_or_else(|| self.want_ids(IdCounts { files: 8, ..IdCounts::default() }))
    }

    fn want_ids(&self, counts: IdCounts) -> Stop {
        let mut wanted = self.wanted.borrow_mut();
        wanted.ids = more_ids(wanted.ids, counts);
        Stop::Missing
    }
}

fn more_ids(a: IdCounts, b: IdCounts) -> IdCounts {
    IdCounts {
        inbounds: a.inbounds.saturating_add(b.inbounds),
        events: a.events.saturating_add(b.events),
        deliveries: a.deliveries.saturating_add(b.deliveries),
        files: a.files.saturating_add(b.files),
    }
}

/// A database that answers a question with something else breaks its contract.
fn mismatch(expected: &'static str) -> Stop {
    let reason = format!("the database did not answer with {expected}");
    Error::Unreadable { what: "the answer to a question".into(), reason }.into()
}
