//! The cached rows, by kind.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crossdock_engine::database::{Answer, Append, ChangeSet, Question, ReadSet, Rows};
use crossdock_engine::delivery::Delivery;
use crossdock_engine::keys::{EntityKey, LaneKey};
use crossdock_engine::rows::{EventRow, InboundRow};
use crossdock_engine::view::Pause;
use crossdock_model::common::Reference;
use crossdock_rules::entity_state::EntityState;
use lru::LruCache;

/// The longest lane that is cached: longer ones would fill the memory, and each answer would copy them.
const MAX_CACHED_LANE: usize = 1024;

/// Rows of one kind by key; none for a key that has no row.
struct Kind<K: Hash + Eq, R>(Option<LruCache<K, Option<R>>>);

impl<K: Hash + Eq + Clone, R: Clone> Kind<K, R> {
    fn new(capacity: usize) -> Self {
        Self(NonZeroUsize::new(capacity).map(LruCache::new))
    }

    /// The row of a key, or that it has none; none at all when it is not cached.
    fn get(&mut self, key: &K) -> Option<Option<R>> {
        self.0.as_mut()?.get(key).cloned()
    }

    fn put(&mut self, key: &K, row: Option<R>) {
        if let Some(cache) = &mut self.0 {
            cache.put(key.clone(), row);
        }
    }

    fn forget(&mut self, key: &K) {
        if let Some(cache) = &mut self.0 {
            cache.pop(key);
        }
    }

    fn clear(&mut self) {
        if let Some(cache) = &mut self.0 {
            cache.clear();
        }
    }
}

/// Open deliveries of a lane, by number.
type Lane = BTreeMap<i64, Arc<Delivery>>;

/// Lanes, each whole.
struct Lanes {
    lanes: Option<LruCache<LaneKey, Lane>>,
    /// The cached lane that a delivery is in: it may move to another.
    lane_of: HashMap<i64, LaneKey>,
}

impl Lanes {
    fn new(capacity: usize) -> Self {
        Self { lanes: NonZeroUsize::new(capacity).map(LruCache::new), lane_of: HashMap::new() }
    }

    fn get(&mut self, key: &LaneKey) -> Option<&Lane> {
        self.lanes.as_mut()?.get(key)
    }

    fn put(&mut self, key: &LaneKey, lane: Lane) {
        let Some(lanes) = &mut self.lanes else { return };
        self.lane_of.extend(lane.keys().map(|id| (*id, key.clone())));
        if let Some((_, gone)) = lanes.push(key.clone(), lane) {
            forget(&mut self.lane_of, &gone, key);
        }
    }

    fn clear(&mut self) {
        self.lane_of.clear();
        if let Some(lanes) = &mut self.lanes {
            lanes.clear();
        }
    }

    /// A delivery is as it is now: in its lane while it is open.
    fn apply(&mut self, row: Arc<Delivery>) {
        let Some(lanes) = &mut self.lanes else { return };
        if let Some(key) = self.lane_of.remove(&row.id)
            && let Some(lane) = lanes.peek_mut(&key)
        {
            lane.remove(&row.id);
        }
        let key = row.lane_key();
        let Some(lane) = lanes.get_mut(&key) else { return };
        if row.state.is_open() {
            self.lane_of.insert(row.id, key.clone());
            lane.insert(row.id, row);
        }
        if lane.len() > MAX_CACHED_LANE
            && let Some(gone) = lanes.pop(&key)
        {
            self.lane_of.retain(|id, _| !gone.contains_key(id));
        }
    }
}

/// Forgets the deliveries of a lane that made room for another one.
fn forget(lane_of: &mut HashMap<i64, LaneKey>, gone: &Lane, newer: &LaneKey) {
    for id in gone.keys() {
        if lane_of.get(id).is_some_and(|key| key != newer) {
            lane_of.remove(id);
        }
    }
}

/// Declares the keyed tables that are cached row by row.
macro_rules! cached_tables {
    ($($table:ident: $key:ty => $row:ty;)+) => {
        /// All cached rows.
        pub(super) struct CachedRows {
            $($table: Kind<$key, $row>,)+
            events: Kind<i64, Arc<EventRow>>,
            deliveries: Kind<i64, Arc<Delivery>>,
            lanes: Lanes,
        }

        impl CachedRows {
            pub(super) fn new(rows: usize, events: usize) -> Self {
                Self {
                    $($table: Kind::new(rows),)+
                    events: Kind::new(events),
                    deliveries: Kind::new(rows),
                    lanes: Lanes::new(rows),
                }
            }

            pub(super) fn clear(&mut self) {
                $(self.$table.clear();)+
                self.events.clear();
                self.deliveries.clear();
                self.lanes.clear();
            }

            /// Takes the cached keys out of a read set: their rows, and the keys that are missing.
            fn split_tables(&mut self, missing: &mut ReadSet, found: &mut Rows) {
                $(
                    missing.$table.retain(|key| match self.$table.get(key) {
                        None => true,
                        Some(row) => {
                            found.$table.extend(row.map(|row| (key.clone(), row)));
                            false
                        }
                    });
                )+
            }

            fn add_tables(&mut self, wanted: &ReadSet, rows: &Rows) {
                $(
                    for key in &wanted.$table {
                        self.$table.put(key, None);
                    }
                    for (key, row) in &rows.$table {
                        self.$table.put(key, Some(row.clone()));
                    }
                )+
            }

            fn apply_tables(&mut self, changes: &ChangeSet) {
                $(
                    for (key, row) in &changes.changed.$table {
                        self.$table.put(key, row.clone());
                    }
                )+
            }
        }
    };
}

cached_tables! {
    inbounds: i64 => InboundRow;
    entities: EntityKey => EntityState;
    pins: Arc<str> => Arc<str>;
    references: EntityKey => Vec<Reference>;
    pauses: Arc<str> => Pause;
    serials: Arc<str> => u64;
}

impl CachedRows {
    /// What is cached of a read set, and what has to be read.
    pub(super) fn split(&mut self, wanted: &ReadSet) -> (Rows, ReadSet) {
        let (mut found, mut missing) = (Rows::default(), wanted.clone());
        self.split_tables(&mut missing, &mut found);
        missing.events.retain(|id| match self.events.get(id) {
            None => true,
            Some(row) => {
                found.events.extend(row.map(|row| (*id, row)));
                false
            }
        });
        missing.deliveries.retain(|id| match self.deliveries.get(id) {
            None => true,
            Some(row) => {
                found.deliveries.extend(row.map(|row| (*id, Delivery::clone(&row))));
                false
            }
        });
        missing.questions.retain(|question| match question {
            Question::Lane(key) => match self.lanes.get(key) {
                None => true,
                Some(lane) => {
                    let deliveries = lane.values().map(|row| Delivery::clone(row)).collect();
                    found.answers.push((question.clone(), Answer::Deliveries(deliveries)));
                    false
                }
            },
            _ => true,
        });
        (found, missing)
    }

    /// Caches rows that were read, and keys that have none.
    pub(super) fn add(&mut self, wanted: &ReadSet, rows: &Rows) {
        self.add_tables(wanted, rows);
        for (id, event) in &rows.events {
            self.events.put(id, Some(Arc::clone(event)));
        }
        for (id, row) in &rows.deliveries {
            self.deliveries.put(id, Some(Arc::new(row.clone())));
        }
        for (question, answer) in &rows.answers {
            let (Question::Lane(key), Answer::Deliveries(deliveries)) = (question, answer) else { continue };
            if deliveries.len() > MAX_CACHED_LANE {
                continue;
            }
            let lane: Lane = deliveries.iter().map(|row| (row.id, Arc::new(row.clone()))).collect();
            for (id, row) in &lane {
                self.deliveries.put(id, Some(Arc::clone(row)));
            }
            self.lanes.put(key, lane);
        }
    }

    /// Makes the cache true again after a commit.
    pub(super) fn apply(&mut self, changes: &ChangeSet) {
        self.apply_tables(changes);
        for (id, row) in &changes.changed.deliveries {
            match row {
                Some(row) => self.apply_delivery(row),
                // Deliveries that leave are settled: they are in no lane.
                None => self.deliveries.forget(id),
            }
        }
        for append in &changes.appended {
            match append {
                Append::Event(event) => self.events.put(&event.id, Some(Arc::clone(event))),
                Append::EraseSubjects { .. } => self.events.clear(),
                Append::Prune { events, deliveries, .. } => {
                    events.iter().for_each(|id| self.events.forget(id));
                    deliveries.iter().for_each(|id| self.deliveries.forget(id));
                }
                Append::Expire { .. } => self.inbounds.clear(),
                Append::StartIncarnation { .. } => {
                    self.deliveries.clear();
                    self.lanes.clear();
                    self.serials.clear();
                }
                _ => {}
            }
        }
    }

    fn apply_delivery(&mut self, row: &Delivery) {
        let row = Arc::new(row.clone());
        if row.state.is_open() {
            self.deliveries.put(&row.id, Some(Arc::clone(&row)));
        } else {
            // Settled ones are seldom looked at again.
            self.deliveries.forget(&row.id);
        }
        self.lanes.apply(row);
    }
}

/// Adds loaded rows to those that were cached.
pub(super) fn merge(found: &mut Rows, loaded: Rows) {
    let cached = std::mem::replace(found, loaded);
    found.inbounds.extend(cached.inbounds);
    found.entities.extend(cached.entities);
    found.pins.extend(cached.pins);
    found.references.extend(cached.references);
    found.pauses.extend(cached.pauses);
    found.serials.extend(cached.serials);
    found.events.extend(cached.events);
    found.deliveries.extend(cached.deliveries);
    found.answers.extend(cached.answers);
}
