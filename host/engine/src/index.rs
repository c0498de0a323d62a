//! Where the deliveries of a unit of work stand: by lane, by what they await, and in flight by connector.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::delivery::Delivery;
use crate::keys::LaneKey;

/// Derived from the deliveries that the unit knows, and true at every moment.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Open deliveries.
    lanes: HashMap<LaneKey, BTreeSet<i64>>,
    awaiting: HashMap<Arc<str>, BTreeSet<i64>>,
    in_flight: HashMap<Arc<str>, BTreeSet<i64>>,
    /// Deliveries changed by the command at hand.
    touched: BTreeSet<i64>,
}

impl Index {
    /// Takes a delivery in.
    pub(crate) fn add(&mut self, delivery: &Delivery) {
        if !delivery.state.is_open() {
            return;
        }
        self.lanes.entry(delivery.lane_key()).or_default().insert(delivery.id);
        if let (true, Some(key)) = (delivery.is_awaiting(), &delivery.awaits) {
            self.awaiting.entry(Arc::clone(key)).or_default().insert(delivery.id);
        }
        if delivery.is_in_flight() {
            self.in_flight.entry(Arc::clone(&delivery.connector)).or_default().insert(delivery.id);
        }
    }

    /// Takes a delivery out, as it was when it was taken in.
    pub(crate) fn remove(&mut self, delivery: &Delivery) {
        if let Some(ids) = self.lanes.get_mut(&delivery.lane_key()) {
            ids.remove(&delivery.id);
        }
        if let Some(ids) = delivery.awaits.as_ref().and_then(|key| self.awaiting.get_mut(key)) {
            ids.remove(&delivery.id);
        }
        if let Some(ids) = self.in_flight.get_mut(&delivery.connector) {
            ids.remove(&delivery.id);
        }
    }

    /// Notes that the command at hand changed a delivery.
    pub(crate) fn touch(&mut self, delivery: i64) {
        self.touched.insert(delivery);
    }

    /// The deliveries that the command at hand changed; they count as unchanged from here on.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<i64> {
        std::mem::take(&mut self.touched)
    }

    /// The command's changes stay.
    pub(crate) fn keep(&mut self) {
        self.touched.clear();
    }

    /// The open deliveries of a lane.
    pub(crate) fn lane(&self, lane: &LaneKey) -> impl Iterator<Item = i64> + '_ {
        self.lanes.get(lane).into_iter().flatten().copied()
    }

    /// The deliveries that await a key.
    pub(crate) fn awaiting(&self, key: &Arc<str>) -> impl Iterator<Item = i64> + '_ {
        self.awaiting.get(key).into_iter().flatten().copied()
    }

    /// The deliveries in flight to a connector.
    pub(crate) fn in_flight(&self, connector: &Arc<str>) -> impl Iterator<Item = i64> + '_ {
        self.in_flight.get(connector).into_iter().flatten().copied()
    }
}
