//! Lanes as they are listed, and what must hold in each.

use std::collections::BTreeMap;

use super::target::Violation;
use crate::Store;
use crate::view::{DeliveryRow, EventFilter, Page};

/// The deliveries of each lane, by number; lanes by connector and root.
pub type Lanes = BTreeMap<(String, String), Vec<DeliveryRow>>;

/// Every delivery, by its lane.
pub async fn lanes(store: &Store) -> Lanes {
    let mut lanes = Lanes::new();
    let page = Page { before: None, limit: 100_000 };
    for event in store.events(&EventFilter::default(), page).await.unwrap() {
        assert!(!event.deliveries.is_empty(), "event {} is delivered nowhere", event.id);
        for delivery in event.deliveries {
            lanes.entry((delivery.connector.clone(), delivery.lane.clone())).or_default().push(delivery);
        }
    }
    lanes.values_mut().for_each(|lane| lane.sort_by_key(|delivery| delivery.id));
    lanes
}

/// What must hold in every lane.
///
/// # Errors
/// When it does not.
pub fn check_lanes(lanes: &Lanes) -> Result<(), Violation> {
    let mut serials = std::collections::HashSet::new();
    for ((connector, _), lane) in lanes {
        for serial in lane.iter().filter_map(|row| row.serial) {
            if !serials.insert((connector, serial)) {
                return Err(format!("serial number {serial} of {connector} was allotted twice"));
            }
        }
        in_order(lane)?;
        nothing_awaits_what_is_there(lane)?;
    }
    Ok(())
}

fn code(row: &DeliveryRow) -> Option<&str> {
    row.reason.as_ref().map(|reason| reason.code.as_str())
}

/// A lane has one head, and one where it can have one.
fn in_order(lane: &[DeliveryRow]) -> Result<(), Violation> {
    let heads = lane.iter().filter(|row| row.state == "ready" || row.state == "sending").count();
    if heads > 1 {
        return Err(format!("a lane with two heads: {lane:#?}"));
    }
    let blocks = |row: &&DeliveryRow| {
        row.state == "exception" && !matches!(code(row), Some("referent-missing" | "overdue"))
    };
    let received = lane.iter().any(|row| row.state == "received" || code(row) == Some("overdue"));
    let Some(first) = lane.iter().find(|row| row.state == "queued") else { return Ok(()) };
    let blocked = lane.iter().any(|row| blocks(&row) && row.id < first.id);
    if heads == 0 && !received && !blocked {
        return Err(format!("a lane without a head: {lane:#?}"));
    }
    Ok(())
}

/// Nothing awaits an entity that a target has said to have.
fn nothing_awaits_what_is_there(lane: &[DeliveryRow]) -> Result<(), Violation> {
    for row in lane {
        let waits = match row.state.as_str() {
            "waiting" => row.due_at.is_none(),
            "exception" => code(row) == Some("referent-missing"),
            _ => false,
        };
        if !waits || row.waits_for.as_deref() != Some(&row.lane) {
            continue;
        }
        let is_there = |other: &&DeliveryRow| {
            other.serial.is_some() && matches!(other.ending.as_deref(), Some("posted" | "already-there"))
        };
        // A refund or an edit is only posted where its order is there. The host does not know that, though, while the
        // outcome of the order's own delivery is unknown.
        let is_unknown = lane.iter().any(|other| other.ending.is_none() && other.sent == "maybe");
        if let Some(there) = lane.iter().find(is_there).filter(|_| !is_unknown) {
            return Err(format!("delivery {} awaits {}, which {} has posted", row.id, row.lane, there.id));
        }
    }
    Ok(())
}
