//! Puts the records that are shown together from stored rows, for every database alike.

use crossdock_model::common::Reference;

use crate::delivery::Delivery;
use crate::explain;
use crate::rows::{AttemptRecord, EventRow};
use crate::view;

/// The most deliveries that are named as awaiting one value.
pub const MAX_NAMED_DELIVERIES: usize = 1000;

/// The idempotency key that a target is given: posting again on purpose needs a key of its own.
#[must_use]
pub fn delivery_key(event_key: &str, generation: u32) -> String {
    match generation {
        0 => event_key.to_owned(),
        _ => format!("{event_key}+{generation}"),
    }
}

/// An event in a listing, with its deliveries by number.
#[must_use]
pub fn event_row(row: &EventRow, deliveries: Vec<Delivery>) -> view::EventRow {
    view::EventRow {
        id: row.id,
        key: row.key.to_string(),
        kind: row.event.fact.kind().to_owned(),
        entity: row.entity.to_string(),
        root: row.root.to_string(),
        occurred_at: row.event.occurred_at.clone(),
        recorded_at: row.recorded_at,
        inbound: row.inbound,
        trace: row.trace.to_string(),
        deliveries: deliveries.into_iter().map(explain::row).collect(),
    }
}

/// The parts of a [`view::DeliveryDetail`].
#[derive(Debug)]
pub struct DeliveryParts<'p> {
    /// The delivery.
    pub delivery: Delivery,
    /// The event that it was enqueued for.
    pub event: &'p EventRow,
    /// The event whose content it carries. Absent when it was pruned.
    pub carried: Option<&'p EventRow>,
    /// The attempts, oldest first.
    pub attempts: Vec<view::AttemptRow>,
    /// The references of the event's entity in the connector's system.
    pub references: Vec<Reference>,
}

/// A delivery with everything known about it.
#[must_use]
pub fn delivery_detail(parts: DeliveryParts<'_>) -> view::DeliveryDetail {
    let DeliveryParts { delivery, event, carried, attempts, references } = parts;
    view::DeliveryDetail {
        key: delivery_key(&event.key, delivery.generation),
        kind: event.event.fact.kind().to_owned(),
        entity: event.entity.to_string(),
        body: carried.map(|row| (*row.event).clone()),
        resume: delivery.resume.as_deref().map(str::to_owned),
        attempts_made: attempts,
        references,
        trace: event.trace.to_string(),
        row: explain::row(delivery),
    }
}

/// An attempt as it is shown. `exchange` is what was sent and received, where it can still be read.
#[must_use]
pub fn attempt_row(record: &AttemptRecord, exchange: Option<String>) -> view::AttemptRow {
    view::AttemptRow {
        delivery: record.delivery,
        fence: record.fence,
        number: record.number,
        kind: record.kind,
        started: record.started,
        ended: record.ended,
        outcome: record.outcome.to_string(),
        message: record.message.to_string(),
        exchange,
    }
}
