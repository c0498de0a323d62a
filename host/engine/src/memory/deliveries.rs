//! The deliveries, and what they are found by.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::delivery::Delivery;
use crate::keys::LaneKey;

use super::tables::Map;

type Numbers = Arc<BTreeSet<i64>>;

/// All deliveries, with the open ones, those of a lane, of an event and of an awaited key apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Deliveries {
    rows: Map<i64, Arc<Delivery>>,
    open: Numbers,
    of_lane: Map<LaneKey, Numbers>,
    of_event: Map<i64, Numbers>,
    awaiting: Map<Arc<str>, Numbers>,
}

impl Deliveries {
    pub fn get(&self, id: i64) -> Option<&Delivery> {
        self.rows.get(&id).map(AsRef::as_ref)
    }

    /// All of them, by number.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.rows.values().map(AsRef::as_ref)
    }

    /// Those behind a number, by number.
    pub fn behind(&self, id: i64) -> impl Iterator<Item = &Delivery> {
        self.rows.range(id.saturating_add(1)..).map(|(_, row)| row.as_ref())
    }

    /// The open ones, by number.
    pub fn open(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.open.iter().filter_map(|id| self.get(*id))
    }

    /// The open ones of a lane, by number.
    pub fn of_lane<'d>(&'d self, lane: &LaneKey) -> impl Iterator<Item = &'d Delivery> + use<'d> {
        self.of_lane.get(lane).into_iter().flat_map(|ids| ids.iter()).filter_map(|id| self.get(*id))
    }

    /// Those of an event, by number.
    pub fn of_event(&self, event: i64) -> impl Iterator<Item = &Delivery> {
        self.of_event.get(&event).into_iter().flat_map(|ids| ids.iter()).filter_map(|id| self.get(*id))
    }

    /// Those that await an entity or a mapping, by number.
    pub fn awaiting<'d>(&'d self, key: &str) -> impl Iterator<Item = &'d Delivery> + use<'d> {
        self.awaiting.get(key).into_iter().flat_map(|ids| ids.iter()).filter_map(|id| self.get(*id))
    }

    /// The keys that deliveries await, in their order.
    pub fn awaited(&self) -> impl Iterator<Item = &Arc<str>> {
        self.awaiting.keys()
    }

    /// Writes a row, or deletes it.
    pub fn set(&mut self, id: i64, row: Option<Arc<Delivery>>) {
        if let Some(old) = self.rows.get(&id).cloned() {
            self.enter(&old, false);
        }
        match row {
            Some(row) => {
                self.enter(&row, true);
                Arc::make_mut(&mut self.rows).insert(id, row);
            }
            None => drop(Arc::make_mut(&mut self.rows).remove(&id)),
        }
    }

    /// Enters a delivery into the indexes, or takes it out of them.
    fn enter(&mut self, row: &Delivery, is_new: bool) {
        change(&mut self.of_event, row.event, row.id, is_new);
        if row.state.is_open() {
            change(&mut self.of_lane, row.lane_key(), row.id, is_new);
            let open = Arc::make_mut(&mut self.open);
            if is_new {
                open.insert(row.id);
            } else {
                open.remove(&row.id);
            }
        }
        if let Some(key) = row.awaits.as_ref().filter(|_| row.is_awaiting()) {
            change(&mut self.awaiting, Arc::clone(key), row.id, is_new);
        }
    }
}

/// Adds a number to a set of an index, or takes it away. Empty sets go.
fn change<K: Clone + Ord>(index: &mut Map<K, Numbers>, key: K, id: i64, is_new: bool) {
    let index = Arc::make_mut(index);
    if is_new {
        Arc::make_mut(index.entry(key).or_default()).insert(id);
        return;
    }
    if let Some(numbers) = index.get_mut(&key) {
        let numbers = Arc::make_mut(numbers);
        numbers.remove(&id);
        if numbers.is_empty() {
            index.remove(&key);
        }
    }
}
